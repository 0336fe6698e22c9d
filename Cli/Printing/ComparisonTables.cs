using GumbelGan.Evaluation.Comparison;

namespace GumbelGan.Cli.Printing;

/// <summary>A comparison as <c>gumbelgan compare</c> prints it.</summary>
internal static class ComparisonTables
{
    public static void Write(RunComparison comparison, TableWriter writer) =>
        ComparisonText.Write(comparison, writer.WriteLine, rows => writer.Write(rows));
}
