using System.Globalization;
using GumbelGan.Evaluation.Metrics;

namespace GumbelGan.Evaluation.Comparison;

/// <summary>A comparison in words and tables of text.</summary>
public static class ComparisonText
{
    /// <summary>Tells a comparison: cost, both checkpoints, tests, and what the metrics mean.</summary>
    /// <param name="comparison">The comparison.</param>
    /// <param name="writeLine">Takes a sentence; an empty one sets things apart.</param>
    /// <param name="writeTable">Takes a table; the first row and the first column are headings.</param>
    public static void Write(RunComparison comparison, Action<string> writeLine, Action<IReadOnlyList<string[]>> writeTable)
    {
        foreach (string objection in comparison.Objections)
        {
            writeLine($"FORCED COMPARISON: {objection}.");
        }

        foreach (string note in comparison.Notes)
        {
            writeLine($"Note: {note}.");
        }

        writeTable(CostTable(comparison));
        foreach ((string title, IReadOnlyList<string[]> table) in MetricTables(comparison))
        {
            writeLine("");
            writeLine(title);
            writeTable(table);
        }

        if (comparison.Tests.Count > 0)
        {
            writeLine("");
            writeLine(string.Create(CultureInfo.InvariantCulture,
                $"Differences from {comparison.Baseline}; p corrected by Holm for all {comparison.Tests.Count} tests"));
            writeTable(TestTable(comparison));
        }

        writeLine("");
        foreach (Metric metric in MetricCatalogue.All.Where(metric => comparison.Tags.Any(tag => MetricCatalogue.ForTag(tag) == metric)))
        {
            writeLine($"{comparison.MetricNames.GetValueOrDefault(metric.Key, metric.Key)}: {metric.Definition}");
        }
    }

    /// <summary>The metrics with their titles: both checkpoints of one method side by side, or of several methods one after the other.</summary>
    internal static IEnumerable<(string Title, IReadOnlyList<string[]> Table)> MetricTables(RunComparison comparison)
    {
        string over = comparison.Runs.Count() == 1 ? "" : ": mean over seeds [Student-t 95% interval]";
        if (comparison.Methods is [var only])
        {
            yield return ("On the test split" + over, MetricTable(comparison, [.. Shown(only).Select(checkpoint => (only, checkpoint))], Name));
            yield break;
        }

        bool same = comparison.Methods.All(method => method.SelectedIsLast);
        if (!same)
        {
            yield return ("Checkpoint selected on validation data within the method's own phase" + over, Table(CheckpointChoice.Selected));
        }

        yield return ($"Last checkpoint{(same ? ", which is also the selected one" : "")}{over}", Table(CheckpointChoice.Last));

        IReadOnlyList<string[]> Table(CheckpointChoice checkpoint) =>
            MetricTable(comparison, [.. comparison.Methods.Select(method => (method, checkpoint))], (method, _) => method.Name);
    }

    /// <summary>The checkpoints of a method that are different weights.</summary>
    internal static IEnumerable<CheckpointChoice> Shown(MethodSummary method) =>
        method.SelectedIsLast ? [CheckpointChoice.Last] : [CheckpointChoice.Selected, CheckpointChoice.Last];

    /// <summary>Which checkpoint of a method it is: "last (step 500)".</summary>
    internal static string Name(MethodSummary method, CheckpointChoice checkpoint)
    {
        string kind = method.SelectedIsLast ? "last = selected" : checkpoint == CheckpointChoice.Last ? "last" : "selected";
        return method.Steps(checkpoint) is { Length: > 0 } steps ? $"{kind} (step {Range(steps)})" : kind;
    }

    /// <summary>Counts of runs and what they cost; the first row and the first column are headings.</summary>
    internal static IReadOnlyList<string[]> CostTable(RunComparison comparison) =>
    [
        ["", .. comparison.Methods.Select(method => method.Name)],
        .. comparison.Runs.Count() == 1 ? [["outcome", comparison.Runs.Single().Evaluation.Status.ToString().ToLowerInvariant()]] : (string[][])
        [
            ["runs", .. comparison.Methods.Select(method => Whole(method.Runs.Count))],
            ["  completed", .. comparison.Methods.Select(method => Whole(method.Count(RunOutcome.Completed)))],
            ["  collapsed", .. comparison.Methods.Select(method => Whole(method.Count(RunOutcome.Collapsed)))],
            ["  failed", .. comparison.Methods.Select(method => Whole(method.Count(RunOutcome.Failed)))],
        ],
        ["generator parameters", .. comparison.Methods.Select(method => Range(method.Runs.Select(run => run.Evaluation.Parameters.Generator)))],
        ["discriminator parameters",
            .. comparison.Methods.Select(method => Range(method.Runs.Select(run => run.Evaluation.Parameters.Discriminator)))],
        ["generator updates", .. comparison.Methods.Select(method => Whole(method.Updates.Mean))],
        ["sequences seen", .. comparison.Methods.Select(method => Whole(method.SequencesSeen.Mean))],
        ["wall time, seconds", .. comparison.Methods.Select(method => Cell(method.WallSeconds, exact: comparison.Runs.Count() == 1))],
    ];

    // Metrics by rows. Reference columns stand before several methods, but after the checkpoints of the only one, which a phone shows first.
    private static IReadOnlyList<string[]> MetricTable(RunComparison comparison,
        IReadOnlyList<(MethodSummary Method, CheckpointChoice Which)> columns,
        Func<MethodSummary, CheckpointChoice, string> heading)
    {
        string[] references = [.. comparison.References.Keys.Order(StringComparer.Ordinal)];
        string[] headings = [.. columns.Select(column => heading(column.Method, column.Which))];
        string[] checkpoints = [.. columns.Select(column => Name(column.Method, column.Which))];
        string[] Row(string title, IEnumerable<string> ofReferences, IEnumerable<string> ofColumns) =>
            comparison.Methods.Count == 1 ? [title, .. ofColumns, .. ofReferences] : [title, .. ofReferences, .. ofColumns];
        return
        [
            Row("", references.Select(reference => reference.Replace('_', ' ')), headings),
            .. headings.SequenceEqual(checkpoints) ? [] : new[] { Row("checkpoint", references.Select(_ => "-"), checkpoints) },
            .. comparison.Tags.Select(tag => Row(
                tag + Arrow(tag),
                references.Select(reference => comparison.References[reference]
                    .TryGetValue(tag, out SeedSummary? summary) ? Cell(summary, exact: summary.StandardDeviation is 0 or double.NaN) : "-"),
                columns.Select(column => column.Method.At(column.Which).TryGetValue(tag, out SeedSummary? summary)
                    ? Cell(summary, exact: comparison.Runs.Count() == 1)
                        + (summary.Count < column.Method.Runs.Count ? $" n={Whole(summary.Count)}" : "")
                    : "-"))),
        ];
    }

    /// <summary>One test a row.</summary>
    internal static IReadOnlyList<string[]> TestTable(RunComparison comparison) =>
    [
        ["metric", "checkpoint", "method", "difference", "95% interval", "test", "p", "p (Holm)", "effect size"],
        .. comparison.Tests.Select(test => (string[])
        [
            test.Tag,
            test.IsOfBoth ? "last = selected" : test.Checkpoint == CheckpointChoice.Selected ? "selected" : "last",
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

    private static string Arrow(string tag) => MetricCatalogue.ForTag(tag)?.Direction is { Length: > 0 } direction ? $" ({direction})" : "";

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
