namespace GumbelGan.Evaluation.Comparison;

/// <summary>One method over its seeds.</summary>
/// <param name="Name">The method.</param>
/// <param name="Runs">Its runs, by seed; failed ones too.</param>
/// <param name="Updates">Generator updates over seeds.</param>
/// <param name="SequencesSeen">Real sequences shown, over seeds.</param>
/// <param name="WallSeconds">Training time over seeds, seconds.</param>
/// <param name="Last">Each metric of the last checkpoint over the seeds for which it is defined, by tag. Collapsed runs are included.</param>
/// <param name="Selected">The same of the checkpoint selected on validation data.</param>
public sealed record MethodSummary(
    string Name,
    IReadOnlyList<ComparedRun> Runs,
    SeedSummary Updates,
    SeedSummary SequencesSeen,
    SeedSummary WallSeconds,
    IReadOnlyDictionary<string, SeedSummary> Last,
    IReadOnlyDictionary<string, SeedSummary> Selected)
{
    /// <summary>How many runs ended in <paramref name="outcome"/>.</summary>
    public int Count(RunOutcome outcome) => Runs.Count(run => run.Evaluation.Status == outcome);

    /// <summary>Whether the selected weights are the last ones in every run that has any.</summary>
    public bool SelectedIsLast => Runs.All(run => run.Evaluation.Last is null || run.Evaluation.SelectedIsLast);

    /// <summary>The metrics of one checkpoint.</summary>
    public IReadOnlyDictionary<string, SeedSummary> At(CheckpointChoice checkpoint) => checkpoint == CheckpointChoice.Last ? Last : Selected;

    /// <summary>The steps of one checkpoint in the runs that have it, ascending.</summary>
    public long[] Steps(CheckpointChoice checkpoint) =>
        [.. Runs.Select(run => run.Evaluation.At(checkpoint)?.Step).OfType<long>().Distinct().Order()];

    /// <summary>One checkpoint over temperatures: the metrics that are defined, summarised over seeds.</summary>
    public IReadOnlyList<(double Temperature, IReadOnlyDictionary<string, SeedSummary> Metrics)> Sweep(CheckpointChoice checkpoint) =>
    [
        .. Runs.SelectMany(run => run.Evaluation.At(checkpoint)?.Sweep ?? []).GroupBy(point => point.Temperature).OrderBy(group => group.Key)
            .Select(group => (group.Key, (IReadOnlyDictionary<string, SeedSummary>)Summaries(group.Select(point => Defined(point.Metrics))))),
    ];

    /// <summary>Summarises the runs of one method.</summary>
    /// <param name="name">The method.</param>
    /// <param name="runs">Its runs, at least one.</param>
    public static MethodSummary Of(string name, IEnumerable<ComparedRun> runs)
    {
        ComparedRun[] bySeed = [.. runs.OrderBy(run => run.Evaluation.Seed).ThenBy(run => run.Name, StringComparer.Ordinal)];
        return new MethodSummary(
            name,
            bySeed,
            SeedSummary.Of([.. bySeed.Select(run => (double)run.Evaluation.Budget.Updates)]),
            SeedSummary.Of([.. bySeed.Select(run => (double)run.Evaluation.Budget.SequencesSeen)]),
            SeedSummary.Of([.. bySeed.Select(run => run.Evaluation.Budget.WallSeconds)]),
            Summaries(bySeed.Select(run => Values(run, CheckpointChoice.Last))),
            Summaries(bySeed.Select(run => Values(run, CheckpointChoice.Selected))));
    }

    /// <summary>The defined metrics of one run at one checkpoint, by tag; none for a failed run.</summary>
    public static IReadOnlyDictionary<string, double> Values(ComparedRun run, CheckpointChoice checkpoint) =>
        Defined(run.Evaluation.At(checkpoint)?.Metrics);

    internal static Dictionary<string, SeedSummary> Summaries(IEnumerable<IReadOnlyDictionary<string, double>> values) =>
        values.SelectMany(metrics => metrics)
            .GroupBy(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => SeedSummary.Of([.. group]), StringComparer.Ordinal);

    internal static IReadOnlyDictionary<string, double> Defined(IReadOnlyDictionary<string, double?>? metrics) =>
        (metrics ?? new Dictionary<string, double?>())
            .Where(pair => pair.Value is { } value && double.IsFinite(value))
            .ToDictionary(pair => pair.Key, pair => pair.Value!.Value, StringComparer.Ordinal);
}

/// <summary>Which of a run's two evaluated checkpoints.</summary>
public enum CheckpointChoice
{
    /// <summary>Selected on validation data, never on the test set, within the run's last phase.</summary>
    Selected,

    /// <summary>The end of training.</summary>
    Last,
}
