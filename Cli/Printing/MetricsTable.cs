using System.Globalization;
using GumbelGan.Evaluation.Metrics;

namespace GumbelGan.Cli.Printing;

/// <summary>What <c>gumbelgan metrics</c> measured: each metric's name, then its values.</summary>
internal static class MetricsTable
{
    public static void Write(IReadOnlyList<MetricResult> results, TableWriter writer)
    {
        foreach (MetricResult result in results)
        {
            writer.WriteLine(result.Name);
            writer.WritePairs(result.Tagged.Select(tagged => ("  " + tagged.Tag, Value(tagged.Value))));
        }
    }

    private static string Value(double value) => double.IsFinite(value) ? value.ToString("0.000000", CultureInfo.InvariantCulture) : "undefined";
}
