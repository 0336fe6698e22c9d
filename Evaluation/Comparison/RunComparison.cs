using GumbelGan.Evaluation.Metrics;
using GumbelGan.Storage;

namespace GumbelGan.Evaluation.Comparison;

/// <summary>How a comparison is made.</summary>
public sealed record ComparisonOptions
{
    /// <summary>Compare runs that should not be compared; the result is marked.</summary>
    public bool Force { get; init; }

    /// <summary>The method that the others are tested against; null for <see cref="UsualBaseline"/> where present, else the first by name.</summary>
    public string? Baseline { get; init; }

    /// <summary>The method to test against where none is asked for.</summary>
    public string UsualBaseline { get; init; } = "";

    /// <summary>Tags of the metrics to show and test, in order; empty for <see cref="MetricCatalogue.ShownTags"/> as far as recorded.</summary>
    public IReadOnlyList<string> Metrics { get; init; } = [];
}

/// <summary>One test of a method against the baseline.</summary>
/// <param name="Method">The method.</param>
/// <param name="Tag">The metric.</param>
/// <param name="Checkpoint">Of which checkpoint.</param>
/// <param name="Result">The test: method minus baseline; paired where both have the same seeds, else Welch's.</param>
/// <param name="HolmPValue">The p-value corrected for all tests of the comparison.</param>
/// <param name="IsOfBoth">Whether the selected weights are the last ones on both sides, so that one test says it of both.</param>
public sealed record MethodTest(
    string Method, string Tag, CheckpointChoice Checkpoint, MeanComparison Result, double HolmPValue, bool IsOfBoth);

/// <summary>Runs grouped by method and compared over seeds.</summary>
/// <param name="Methods">The methods: the baseline first, then by name.</param>
/// <param name="Baseline">The method that the others are tested against.</param>
/// <param name="References">Rows that are no model, "held_out" and "memoriser", by name and tag; over the seeds that reported them.</param>
/// <param name="Tags">The metrics shown, in order.</param>
/// <param name="Tests">
/// Every method but the baseline, every metric shown, both checkpoints, as far as two seeds a side allow; once where both are the same weights.
/// </param>
/// <param name="Notes">What a reader of the numbers should know, one sentence each.</param>
/// <param name="Objections">Why the runs should not be compared, one sentence each; empty unless forced.</param>
/// <param name="MetricNames">Reported names by metric key.</param>
/// <param name="ConfigurationDifferences">Configuration keys on which the runs differ, with the value of each run by run name.</param>
public sealed record RunComparison(
    IReadOnlyList<MethodSummary> Methods,
    string Baseline,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, SeedSummary>> References,
    IReadOnlyList<string> Tags,
    IReadOnlyList<MethodTest> Tests,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string> Objections,
    IReadOnlyDictionary<string, string> MetricNames,
    IReadOnlyList<ConfigurationDifference> ConfigurationDifferences)
{
    // A run that is evaluated more often selects among more weights, and may end pre-training earlier.
    private const string EvaluationsKey = "recording.evaluate_every";

    // Keys in which seeds of one method may differ: no part of the method, or compared by content.
    private static readonly string[] _freeKeys = ["seed", "device", "threads", "corpus"], _freeSections = ["recording.", "data.", "tokenizer."];

    /// <summary>All runs.</summary>
    public IEnumerable<ComparedRun> Runs => Methods.SelectMany(method => method.Runs);

    /// <summary>Compares <paramref name="runs"/>.</summary>
    /// <exception cref="UserMistakeException">
    /// There are no runs; or they differ in corpus, vocabulary, parameter counts, budget, metric definitions or, within a method, configuration, and
    /// the comparison is not forced; or the baseline is not among them.
    /// </exception>
    public static RunComparison Create(IReadOnlyList<ComparedRun> runs, ComparisonOptions options)
    {
        if (runs.Count == 0)
        {
            throw new UserMistakeException("There is nothing to compare; give the folders of at least one run.");
        }

        runs = ComparedRun.WithDistinctNames(runs);
        string[] objections = [.. FindObjections(runs)];
        if (objections.Length > 0 && !options.Force)
        {
            throw new UserMistakeException("These runs do not "
                + $"compare: {string.Join("; ", objections.Select(objection => objection.TrimEnd('.')))}; leave some out, or add --force to "
                + "compare all the same in a table marked so.");
        }

        string[] names = [.. runs.Select(run => run.Evaluation.Method).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        string baseline = options.Baseline ?? (names.Contains(options.UsualBaseline) ? options.UsualBaseline : names[0]);
        if (!names.Contains(baseline))
        {
            throw new UserMistakeException(
                $"The baseline '{baseline}' is not among the methods of these runs; choose from {string.Join(", ", names)}.");
        }

        MethodSummary[] methods =
        [
            .. names.OrderBy(name => name == baseline ? 0 : 1).ThenBy(name => name, StringComparer.Ordinal)
                .Select(name => MethodSummary.Of(name, runs.Where(run => run.Evaluation.Method == name))),
        ];
        string[] tags = ChooseTags(methods, options.Metrics);
        return new RunComparison(
            methods,
            baseline,
            SummariseReferences(runs),
            tags,
            Test(methods, tags),
            [.. FindNotes(runs)],
            objections,
            runs.SelectMany(run => run.Evaluation.MetricNames).DistinctBy(pair => pair.Key).ToDictionary(pair => pair.Key, pair => pair.Value),
            FindDifferences(runs));
    }

    private static string[] ChooseTags(MethodSummary[] methods, IReadOnlyList<string> wanted)
    {
        var recorded = methods.SelectMany(method => method.Last.Keys.Concat(method.Selected.Keys)).ToHashSet(StringComparer.Ordinal);
        if (wanted.Count == 0)
        {
            return [.. MetricCatalogue.ShownTags.Where(recorded.Contains)];
        }

        return wanted.FirstOrDefault(tag => !recorded.Contains(tag)) is { } unknown
            ? throw new UserMistakeException(
                $"No run records the metric '{unknown}'; choose from {string.Join(", ", recorded.Order(StringComparer.Ordinal))}.")
            : [.. wanted.Distinct(StringComparer.Ordinal)];
    }

    private static Dictionary<string, IReadOnlyDictionary<string, SeedSummary>> SummariseReferences(IReadOnlyList<ComparedRun> runs) =>
        // Methods that share a seed draw the same memoriser: it is one observation, not several.
        runs.SelectMany(run => run.Evaluation.References.Select(reference => (reference.Key, reference.Value, run.Evaluation.Seed)))
            .DistinctBy(reference => (reference.Key, reference.Seed))
            .GroupBy(reference => reference.Key, reference => MethodSummary.Defined(reference.Value), StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => (IReadOnlyDictionary<string, SeedSummary>)MethodSummary.Summaries(group),
                StringComparer.Ordinal);

    private static MethodTest[] Test(MethodSummary[] methods, string[] tags)
    {
        var tests = new List<MethodTest>();
        foreach ((CheckpointChoice checkpoint, string tag, MethodSummary method) in
            from checkpoint in Enum.GetValues<CheckpointChoice>() from tag in tags from method in methods[1..] select (checkpoint, tag, method))
        {
            // The same weights tested twice would be one finding counted as two, and would cost every other one in Holm's correction.
            bool ofBoth = methods[0].SelectedIsLast && method.SelectedIsLast;
            if (!(ofBoth && checkpoint == CheckpointChoice.Selected)
                && Test(BySeed(method, tag, checkpoint), BySeed(methods[0], tag, checkpoint)) is { } result)
            {
                tests.Add(new MethodTest(method.Name, tag, checkpoint, result, double.NaN, ofBoth));
            }
        }

        double[] corrected = MeanComparison.Holm([.. tests.Select(test => test.Result.PValue)]);
        return [.. tests.Select((test, index) => test with { HolmPValue = corrected[index] })];
    }

    private static MeanComparison? Test(Dictionary<ulong, double> method, Dictionary<ulong, double> baseline)
    {
        if (method.Count < 2 || baseline.Count < 2)
        {
            return null;
        }

        ulong[] seeds = [.. method.Keys.Order()];
        return seeds.SequenceEqual(baseline.Keys.Order())
            ? MeanComparison.Paired([.. seeds.Select(seed => method[seed])], [.. seeds.Select(seed => baseline[seed])])
            : MeanComparison.Welch([.. method.Values], [.. baseline.Values]);
    }

    // Forced comparisons may hold a seed twice; the first run by name stands for it in tests.
    private static Dictionary<ulong, double> BySeed(MethodSummary method, string tag, CheckpointChoice checkpoint) =>
        method.Runs
            .Select(run => (run.Evaluation.Seed, Found: MethodSummary.Values(run, checkpoint).TryGetValue(tag, out double value), Value: value))
            .Where(entry => entry.Found)
            .DistinctBy(entry => entry.Seed)
            .ToDictionary(entry => entry.Seed, entry => entry.Value);

    private static IEnumerable<string> FindObjections(IReadOnlyList<ComparedRun> runs)
    {
        foreach (string? objection in new[]
        {
            Differ(runs, "corpus", run => run.CorpusHash),
            Differ(runs, "vocabulary", run => run.VocabularyHash),
            Differ(runs, "split into training, validation and test sequences", run => run.SplitHash),
            Differ(runs, "generator parameter count", run => FormattableString.Invariant($"{run.Parameters.Generator}")),
            // A method without a discriminator is no reason to object.
            Differ([.. runs.Where(run => run.Evaluation.Parameters.Discriminator > 0)], "discriminator parameter count",
                run => FormattableString.Invariant($"{run.Parameters.Discriminator}")),
            Differ(runs, "truncation of samples", run => run.Truncation is { Length: > 0 } rule ? rule : "none"),
            Differ(runs, "budget", run => FormattableString.Invariant($"{run.Budget.Limit} {run.Budget.Unit}")),
        })
        {
            if (objection is not null)
            {
                yield return objection;
            }
        }

        foreach (string key in runs.SelectMany(run => run.Evaluation.MetricNames.Keys).Distinct(StringComparer.Ordinal))
        {
            if (Differ([.. runs.Where(run => run.Evaluation.MetricNames.ContainsKey(key))], $"definition of {key}",
                run => run.MetricNames[key]) is { } objection)
            {
                yield return objection;
            }
        }

        foreach (IGrouping<string, ComparedRun> method in runs.GroupBy(run => run.Evaluation.Method, StringComparer.Ordinal))
        {
            if (method.GroupBy(run => run.Evaluation.Seed).FirstOrDefault(seed => seed.Count() > 1) is { } twice)
            {
                yield return $"the method {method.Key} has seed {twice.Key} twice, in {string.Join(" and ", twice.Select(run => run.Name))}, which "
                    + "is no second observation";
            }

            if (FindDifferences([.. method]).FirstOrDefault(difference => !IsFree(difference.Key)) is { } difference)
            {
                yield return $"runs of the method {method.Key} differ in the configuration key {difference.Key} ({Pair(difference.Values)}), so "
                    + "they are not seeds of one method";
            }
        }
    }

    private static bool IsFree(string key) =>
        _freeKeys.Contains(key) || _freeSections.Any(section => key.StartsWith(section, StringComparison.Ordinal));

    private static IEnumerable<string> FindNotes(IReadOnlyList<ComparedRun> runs)
    {
        foreach (string truncation in runs.Select(run => run.Evaluation.Truncation).Where(text => text.Length > 0).Distinct())
        {
            yield return $"samples are drawn with {truncation} at every temperature, and nll/test is of the distribution before that";
        }

        if (FindDifferences(runs).FirstOrDefault(difference => difference.Key == EvaluationsKey) is { } difference)
        {
            yield return $"{EvaluationsKey} differs ({Pair(difference.Values)}), so selected checkpoints were chosen among more weights in some runs "
                + "than in others";
        }
    }

    private static string? Differ(IReadOnlyList<ComparedRun> runs, string what, Func<EvaluationDocument, string> select)
    {
        ComparedRun? other = runs.FirstOrDefault(run => select(run.Evaluation) != select(runs[0].Evaluation));
        return other is null
            ? null : $"the {what} of {runs[0].Name} is '{select(runs[0].Evaluation)}' and that of {other.Name} is '{select(other.Evaluation)}'";
    }

    private static string Pair(IReadOnlyDictionary<string, string?> values)
    {
        (string name, string? value) = values.First();
        (string otherName, string? otherValue) = values.First(pair => pair.Value != value);
        return $"{value ?? "absent"} in {name}, {otherValue ?? "absent"} in {otherName}";
    }

    // Where the corpus lies says nothing: its content is compared. A label is the method's name.
    private static ConfigurationDifference[] FindDifferences(IReadOnlyList<ComparedRun> runs) =>
    [
        .. runs.SelectMany(run => run.Evaluation.Configuration.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Where(key => key is not ("corpus" or "label")
                && runs.Select(run => run.Evaluation.Configuration.GetValueOrDefault(key)).Distinct().Count() > 1)
            .Select(key => new ConfigurationDifference(
                key, runs.ToDictionary(run => run.Name, run => run.Evaluation.Configuration.GetValueOrDefault(key)))),
    ];
}

/// <summary>A configuration key on which runs differ.</summary>
/// <param name="Key">Its path, "generator.hidden_size".</param>
/// <param name="Values">The value of each run by run name; null where the run has no such key.</param>
public sealed record ConfigurationDifference(string Key, IReadOnlyDictionary<string, string?> Values);
