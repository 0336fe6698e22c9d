using GumbelGan.Cli;
using GumbelGan.Cli.Printing;
using GumbelGan.Evaluation.Comparison;

namespace GumbelGan.Tests.Cli;

/// <summary>What is printed into a file, or on a terminal.</summary>
internal static class Printed
{
    public static string Comparison(RunComparison comparison) => By(writer => ComparisonTables.Write(comparison, writer));

    public static string By(Action<TableWriter> print, int? width = null)
    {
        var output = new StringWriter { NewLine = "\n" };
        var surroundings = Surroundings.Of(output, TextWriter.Null, CancellationToken.None) with { TerminalWidth = width };
        print(new TableWriter(surroundings));
        return output.ToString();
    }
}
