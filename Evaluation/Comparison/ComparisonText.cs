using System.Globalization;
using System.Text;

namespace GumbelGan.Evaluation.Comparison;

/// <summary>A comparison as plain text for a terminal.</summary>
public static class ComparisonText
{
    /// <summary>The tables, one line feed a line: cost, both checkpoints, tests, and what the metrics mean.</summary>
    public static string Render(RunComparison comparison)
    {
        var text = new StringBuilder();
        foreach (string objection in comparison.Objections)
        {
            text.Append("FORCED COMPARISON: ").Append(objection).Append(".\n");
        }

        text.Append(TextTable.Render(CostTable(comparison)));
        foreach (CheckpointChoice checkpoint in Enum.GetValues<CheckpointChoice>())
        {
            text.Append('\n').Append(Title(checkpoint)).Append('\n');
            text.Append(TextTable.Render(MetricTable(comparison, checkpoint)));
        }

        if (comparison.Tests.Count > 0)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"\nDifferences from {comparison.Baseline}; p corrected by Holm for all {comparison.Tests.Count} tests\n");
            text.Append(TextTable.Render(TestTable(comparison)));
        }

        text.Append('\n');
        foreach (Metric metric in MetricCatalogue.All.Where(metric => comparison.Tags.Any(tag => MetricCatalogue.ForTag(tag) == metric)))
        {
            text.Append(comparison.MetricNames.GetValueOrDefault(metric.Key, metric.Key)).Append(": ").Append(metric.Definition).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>What a checkpoint's table is called.</summary>
    internal static string Title(CheckpointChoice checkpoint) => checkpoint == CheckpointChoice.Best
        ? "Checkpoint selected on validation data: mean over seeds [Student-t 95% interval]"
        : "Last checkpoint: mean over seeds [Student-t 95% interval]";

    /// <summary>Counts of runs and what they cost; the first row and the first column are headings.</summary>
    internal static IReadOnlyList<string[]> CostTable(RunComparison comparison) =>
    [
        ["", .. comparison.Methods.Select(method => method.Name)],
        ["runs", .. comparison.Methods.Select(method => Whole(method.Runs.Count))],
        ["  completed", .. comparison.Methods.Select(method => Whole(method.Count(RunOutcome.Completed)))],
        ["  collapsed", .. comparison.Methods.Select(method => Whole(method.Count(RunOutcome.Collapsed)))],
        ["  failed", .. comparison.Methods.Select(method => Whole(method.Count(RunOutcome.Failed)))],
        ["generator parameters", .. comparison.Methods.Select(method => Range(method.Runs.Select(run => run.Evaluation.Parameters.Generator)))],
        ["discriminator parameters",
            .. comparison.Methods.Select(method => Range(method.Runs.Select(run => run.Evaluation.Parameters.Discriminator)))],
        ["generator updates", .. comparison.Methods.Select(method => Whole(method.Updates.Mean))],
        ["sequences seen", .. comparison.Methods.Select(method => Whole(method.SequencesSeen.Mean))],
        ["wall time, seconds", .. comparison.Methods.Select(method => Cell(method.WallSeconds, exact: false))],
    ];

    /// <summary>Metrics by rows; reference columns first, then methods.</summary>
    internal static IReadOnlyList<string[]> MetricTable(RunComparison comparison, CheckpointChoice checkpoint)
    {
        string[] references = [.. comparison.References.Keys.Order(StringComparer.Ordinal)];
        return
        [
            ["", .. references.Select(reference => reference.Replace('_', ' ')), .. comparison.Methods.Select(method => method.Name)],
            .. comparison.Tags.Select(tag => (string[])
            [
                tag + Arrow(tag),
                .. references.Select(reference => comparison.References[reference]
                    .TryGetValue(tag, out SeedSummary? summary) ? Cell(summary, exact: summary.StandardDeviation is 0 or double.NaN) : "-"),
                .. comparison.Methods.Select(method => method.At(checkpoint).TryGetValue(tag, out SeedSummary? summary)
                    ? Cell(summary, exact: false) + (summary.Count < method.Runs.Count ? $" n={Whole(summary.Count)}" : "")
                    : "-"),
            ]),
        ];
    }

    /// <summary>One test a row.</summary>
    internal static IReadOnlyList<string[]> TestTable(RunComparison comparison) =>
    [
        ["metric", "checkpoint", "method", "difference", "95% interval", "test", "p", "p (Holm)", "effect size"],
        .. comparison.Tests.Select(test => (string[])
        [
            test.Tag,
            test.Checkpoint == CheckpointChoice.Best ? "best" : "last",
            test.Method,
            Signed(test.Result.Difference),
            $"[{Signed(test.Result.Interval.Lower)}, {Signed(test.Result.Interval.Upper)}]",
            test.Result.Kind == MeanTest.Paired ? "paired t" : "Welch",
            Probability(test.Result.PValue),
            Probability(test.HolmPValue) + (test.HolmPValue <= 0.05 ? " *" : ""),
            (test.Result.Kind == MeanTest.Paired ? "d_z " : "g ") + test.Result.EffectSize.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture),
        ]),
    ];

    /// <summary>A number with about four significant digits.</summary>
    internal static string Number(double value) => !double.IsFinite(value) ? "-" : value.ToString(Format(value), CultureInfo.InvariantCulture);

    private static string Cell(SeedSummary summary, bool exact)
    {
        if (exact)
        {
            return Number(summary.Mean);
        }

        return summary.Count == 1
            ? $"{Number(summary.Mean)} [one seed]" : $"{Number(summary.Mean)} [{Number(summary.Interval.Lower)}, {Number(summary.Interval.Upper)}]";
    }

    private static string Arrow(string tag) => MetricCatalogue.ForTag(tag)?.Better switch
    {
        Better.Higher => " (higher is better)",
        Better.Lower => " (lower is better)",
        _ => "",
    };

    private static string Format(double value) => Math.Abs(value) switch
    {
        < 10 => "0.0000",
        < 100 => "0.000",
        < 1000 => "0.0",
        _ => "0",
    };

    private static string Signed(double value) => double.IsFinite(value) && value >= 0 ? "+" + Number(value) : Number(value);

    private static string Probability(double value) => value < 0.0001 ? "<0.0001" : value.ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Whole(double value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Range(IEnumerable<long> values)
    {
        long[] distinct = [.. values.Distinct().Order()];
        return distinct.Length == 1 ? Whole(distinct[0]) : $"{Whole(distinct[0])} to {Whole(distinct[^1])}";
    }
}
