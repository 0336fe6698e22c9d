using System.Globalization;
using GumbelGan.Cli.Progress;
using GumbelGan.Evaluation;
using GumbelGan.Training.Sweeps;

namespace GumbelGan.Cli.Printing;

/// <summary>Sweeps as they are printed: the runs, what became of them, and the settings in the order of a metric.</summary>
internal static class SweepTables
{
    /// <summary>The runs, each with its index and how far it has come.</summary>
    public static void Write(SweepPlan plan, TableWriter writer)
    {
        writer.Write([["index", "run", "status", "settings"], .. plan.Runs.Select(run => (string[])
            [Whole(run.Index), run.Name, run.Status.ToString().ToLowerInvariant(), Settings(run.Setting)])]);
        writer.WriteLine();
        writer.WriteLine(
            $"{plan.Runs.Count} runs, {plan.Runs.DistinctBy(run => run.Setting.Name).Count()} settings times {plan.Options.Seeds.Count} seeds, in "
            + $"{plan.Folder}.");
    }

    /// <summary>What became of the runs.</summary>
    /// <returns>Whether all of them are done.</returns>
    public static bool WriteEnd(SweepPlan plan, IReadOnlyList<SweepItem> items, TextWriter error, TableWriter writer)
    {
        SweepItem[] failed = [.. items.Where(item => item.State != SweepItemState.Done)];
        int before = items.Count(item => item.WasThere && item.State == SweepItemState.Done), done = items.Count - failed.Length;
        writer.WriteLine($"{done} of {items.Count} runs are done{(before > 0 ? $", {before} of them before" : "")}; compare them with: gumbelgan "
            + $"compare {plan.Folder}");
        if (failed.Length > 0)
        {
            error.WriteLine(failed.Length == 1 ? "A run has failed:" : $"{failed.Length} runs have failed:");
            foreach (SweepItem item in failed)
            {
                error.WriteLine($"  {item.Run.Name}: {item.Reason}");
            }

            error.WriteLine($"What each printed is in {Path.GetDirectoryName(failed[0].Run.Log)}. Diverged runs are kept as failed; the same "
                + "command tries the others "
                + "again.");
        }

        return failed.Length == 0;
    }

    /// <summary>The settings, the best first.</summary>
    public static void Write(SweepRanking ranking, TableWriter writer)
    {
        writer.Write(
        [
            ["setting", $"{ranking.Tag}, last", "95% interval", "best on the way", "seeds", "seconds", "settings"],
            .. ranking.Settings.Select(setting => (string[])
            [
                setting.Setting.Name.Length > 0 ? setting.Setting.Name : "base",
                Number(setting.Last?.Mean),
                Interval(setting.Last),
                Number(setting.Best?.Mean),
                Seeds(setting),
                Number(setting.Seconds?.Mean),
                Settings(setting.Setting),
            ]),
        ]);
        writer.WriteLine();
        writer.WriteLine(
            $"Means over seeds; {(ranking.IsHighestBest ? "higher" : "lower")} is better. Validation data chose here, so compare the chosen settings "
            + "on other seeds.");
        if (ranking.Settings.Any(setting => !setting.IsWhole))
        {
            writer.WriteLine("Settings in which a seed failed or has not finished come last: a mean over the others would flatter them.");
        }
    }

    /// <summary>The same for a script.</summary>
    public static object Document(SweepRanking ranking) => new
    {
        Metric = ranking.Tag,
        Better = ranking.IsHighestBest ? "higher" : "lower",
        Settings = ranking.Settings.Select(setting => new
        {
            setting.Setting.Name,
            Set = setting.Setting.Assignments.GroupBy(assignment => assignment.Path).ToDictionary(key => key.Key, key => key.Last().Value),
            Last = Document(setting.Last),
            Best = Document(setting.Best),
            Seconds = Document(setting.Seconds),
            setting.Failed,
            setting.Missing,
        }),
    };

    private static object? Document(SeedSummary? summary) => summary is null ? null : new
    {
        summary.Mean,
        StandardDeviation = Finite(summary.StandardDeviation),
        Interval = new[] { Finite(summary.Interval.Lower), Finite(summary.Interval.Upper) },
        Seeds = summary.Count,
    };

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private static string Settings(SweepSetting setting) =>
        string.Join(", ", setting.Assignments.Select(assignment => $"{assignment.Path}={assignment.Value}"));

    private static string Seeds(RankedSetting setting) => string.Join(", ", ((string?[])
    [
        Whole(setting.Last?.Count ?? 0),
        setting.Failed > 0 ? $"{setting.Failed} failed" : null,
        setting.Missing > 0 ? $"{setting.Missing} not finished" : null,
    ]).OfType<string>());

    private static string Interval(SeedSummary? summary) => summary is { Count: > 1 }
        ? $"{Number(summary.Interval.Lower)} to {Number(summary.Interval.Upper)}" : "-";

    private static string Number(double? value) => value is { } number ? ProgressText.Number(number) : "-";

    private static string Whole(int number) => number.ToString(CultureInfo.InvariantCulture);
}
