using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;

namespace GumbelGan.Training.Sweeps;

/// <summary>One setting in a ranking.</summary>
/// <param name="Setting">Which.</param>
/// <param name="Last">The metric at the end of training, over the seeds that have ended; null where none has.</param>
/// <param name="Best">The best value that each seed recorded on its way, over the same seeds.</param>
/// <param name="Seconds">Training time.</param>
/// <param name="Failed">Seeds whose training diverged.</param>
/// <param name="Missing">Seeds that have not ended.</param>
public sealed record RankedSetting(SweepSetting Setting, SeedSummary? Last, SeedSummary? Best, SeedSummary? Seconds, int Failed, int Missing)
{
    /// <summary>Whether every seed has ended with numbers: a mean over the lucky ones only is no ground for a choice.</summary>
    public bool IsWhole => Last is not null && Failed == 0 && Missing == 0;
}

/// <summary>The settings of a sweep in the order of a validation metric, by their means over seeds.</summary>
/// <param name="Tag">The metric.</param>
/// <param name="IsHighestBest">Its direction.</param>
/// <param name="Settings">The best first; those in which a seed failed or is missing come last.</param>
public sealed record SweepRanking(string Tag, bool IsHighestBest, IReadOnlyList<RankedSetting> Settings)
{
    /// <summary>The tag of the training time, which is no record but can be ranked by too.</summary>
    public const string Seconds = "seconds";

    /// <summary>Ranks the settings of a sweep.</summary>
    /// <param name="plan">The sweep.</param>
    /// <param name="tag">A tag that its runs record while they train, on the validation split.</param>
    /// <param name="better">The direction; null for the metric's own.</param>
    /// <exception cref="UserMistakeException">The metric is one of the test split, no run recorded it, or it has no direction.</exception>
    public static SweepRanking Of(SweepPlan plan, string tag, Better? better)
    {
        if (tag.Split('/').Any(part => part == "test"))
        {
            throw new UserMistakeException(
                $"{tag} is measured on the test split; settings chosen by it would make the test a part of training, and the winner's "
                + "test result too good. Choose by a validation metric, for example nll/validation.");
        }

        Dictionary<SweepRun, Dictionary<string, double[]>> ended = plan.Runs.Where(run => run.Status is SweepRunStatus.Done or SweepRunStatus.Trained)
            .ToDictionary(run => run, Recorded);
        if (ended.Count == 0)
        {
            throw new UserMistakeException($"No run of {plan.File} in {plan.Folder} has finished; do them with 'gumbelgan sweep {plan.File}' first.");
        }

        string[] known = [.. ended.Values.SelectMany(run => run.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (!known.Contains(tag))
        {
            string[] likely =
                [.. known.Where(other => other == Seconds || MetricCatalogue.ForTag(other) is not null).DistinctBy(other => other.Split('/')[0])];
            throw new UserMistakeException(
                $"No run recorded '{ConfigurationText.Shown(tag)}' while it trained; there are {string.Join(", ", likely)} and others.");
        }

        bool highest = (better ?? Direction(tag)) switch
        {
            Better.Higher => true,
            Better.Lower => false,
            _ => throw new UserMistakeException($"{tag} is better neither high nor low by itself; say --lowest or --highest."),
        };
        RankedSetting[] settings = [.. plan.Runs.GroupBy(run => run.Setting).Select(setting => Of(setting.Key, [.. setting], ended, tag, highest))];
        return new SweepRanking(tag, highest,
            [.. settings.OrderBy(setting => !setting.IsWhole).ThenBy(setting => setting.Last is null)
                .ThenBy(setting => (highest ? -1 : 1) * setting.Last?.Mean ?? 0)]);
    }

    // The catalogue's direction; losses and times fall.
    private static Better Direction(string tag) => MetricCatalogue.ForTag(tag)?.Better
        ?? (tag == Seconds || tag.StartsWith("loss/", StringComparison.Ordinal) ? Better.Lower : Better.Neither);

    private static RankedSetting Of(SweepSetting setting, SweepRun[] runs, Dictionary<SweepRun, Dictionary<string, double[]>> ended,
        string tag, bool highest)
    {
        int failed = runs.Count(run => run.Failure is not null), missing = runs.Count(run => !ended.ContainsKey(run) && run.Failure is null);
        double[][] values = [.. runs.Where(run => run.Failure is null).Select(run => ended.GetValueOrDefault(run)?.GetValueOrDefault(tag) ?? [])
            .Where(values => values.Length > 0)];
        double[] seconds =
            [.. runs.Select(run => ended.GetValueOrDefault(run)?.GetValueOrDefault(Seconds)).OfType<double[]>().Select(time => time[0])];
        return new RankedSetting(setting, Summary([.. values.Select(run => run[^1])]),
            Summary([.. values.Select(run => highest ? run.Max() : run.Min())]),
            Summary(seconds), failed, missing);
    }

    private static SeedSummary? Summary(double[] values) => values.Length > 0 ? SeedSummary.Of(values) : null;

    // Every tag with its finite values by step; a resumed run may have recorded a step twice, and the later record stands. Likelihood alone ends with
    // its best weights, so that what was recorded after them is of weights that nobody gets.
    private static Dictionary<string, double[]> Recorded(SweepRun run)
    {
        long end = run.Config.Adversarial.Steps == 0 ? RunSummary.Read(run.Folder).SelectedStep ?? long.MaxValue : long.MaxValue;
        var byTag = new Dictionary<string, SortedDictionary<long, double>>(StringComparer.Ordinal);
        foreach (MetricsRecord record in MetricsJournal.ReadWhatIsSound(Path.Combine(run.Folder, MetricsJournal.FileName))
            .Where(record => record.Step <= end))
        {
            foreach ((string tag, double value) in record.Scalars.Where(scalar => double.IsFinite(scalar.Value)))
            {
                if (!byTag.TryGetValue(tag, out SortedDictionary<long, double>? values))
                {
                    byTag[tag] = values = [];
                }

                values[record.Step] = value;
            }
        }

        Dictionary<string,
            double[]> recorded = byTag.Where(pair => pair.Key != "nll/test").ToDictionary(pair => pair.Key, pair => pair.Value.Values.ToArray());
        recorded[Seconds] = [RunFolder.Open(run.Folder).Latest().State().TrainingSeconds];
        return recorded;
    }
}
