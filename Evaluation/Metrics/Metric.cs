namespace GumbelGan.Evaluation.Metrics;

/// <summary>
/// One metric: what it is called, what it needs, and how it is computed. It is declared in a file of its own and listed in
/// <see cref="MetricCatalogue.All"/>; tables, charts, documents and the evaluations of a run that trains ask the list.
/// </summary>
/// <param name="Key">Its key in JSON: "self_bleu".</param>
/// <param name="Tag">Its tag in TensorBoard and metrics.jsonl, to which the value's key is appended: "self_bleu" gives "self_bleu/4".</param>
/// <param name="Better">Which direction is better, if one is.</param>
/// <param name="AppliesTo">Whether the inputs suffice. Where they do not, the metric is left out.</param>
/// <param name="Name">The reported name: sample counts, smoothing and reference handling are part of it.</param>
/// <param name="Definition">What is computed, a sentence or two, with source.</param>
/// <param name="Compute">The numbers; a pure function of the inputs.</param>
public sealed record Metric(
    string Key,
    string Tag,
    Better Better,
    Func<MetricInputs, bool> AppliesTo,
    Func<MetricInputs, string> Name,
    string Definition,
    Func<MetricInputs, IEnumerable<MetricValue>> Compute)
{
    /// <summary>The longest n-gram of metrics that have a number for each length, in tokens.</summary>
    public const int MaximumOrder = 5;

    /// <summary>The keys of the values that comparisons show and test; the others are in evaluation.json only.</summary>
    public IReadOnlyList<string> Shown { get; init; } = [];

    /// <summary>The keys of the values that are recorded each time a run is evaluated while it trains.</summary>
    public IReadOnlyList<string> WhileTraining { get; init; } = [];

    /// <summary>Whether what is recorded of it while training is also told at a run's end, beside what it was before the last phase.</summary>
    public bool IsToldAtTheEnd { get; init; }

    /// <summary>The key of the value that stands for quality in charts of quality against diversity; null for none.</summary>
    public string? Quality { get; init; }

    /// <summary>The key of the value that stands for diversity, or for both together, in those charts; null for none.</summary>
    public string? Diversity { get; init; }

    /// <summary>"higher is better", "lower is better" or nothing.</summary>
    public string Direction => Better switch { Better.Higher => "higher is better", Better.Lower => "lower is better", _ => "" };

    /// <summary>The tag of one value.</summary>
    public string TagOf(string key) => key.Length == 0 ? Tag : $"{Tag}/{key}";

    /// <summary>"1 sample", "20 samples".</summary>
    internal static string Count(long number, string singular, string? plural = null) =>
        FormattableString.Invariant($"{number} {(number == 1 ? singular : plural ?? singular + "s")}");
}

/// <summary>One number of a metric.</summary>
/// <param name="Key">Which: "4" of BLEU; empty where the metric has one number only.</param>
/// <param name="Value">The number; NaN or infinite where undefined.</param>
/// <param name="Interval">
/// Its 95% interval, where the metric has one of its own (over seeds there is always one, see <see cref="SeedSummary"/>).
/// </param>
public sealed record MetricValue(string Key, double Value, ConfidenceInterval? Interval = null)
{
    /// <summary>The values for bigrams and longer n-grams.</summary>
    /// <param name="byOrder">That of n-grams at index n-1.</param>
    internal static IEnumerable<MetricValue> FromBigrams(double[] byOrder) =>
        Enumerable.Range(2, byOrder.Length - 1).Select(order => new MetricValue(FormattableString.Invariant($"{order}"), byOrder[order - 1]));
}

/// <summary>Which direction of a metric is better.</summary>
public enum Better
{
    /// <summary>Neither by itself: equal to held-out text is best.</summary>
    Neither,

    /// <summary>Larger.</summary>
    Higher,

    /// <summary>Smaller.</summary>
    Lower,
}

/// <summary>A metric computed.</summary>
/// <param name="Metric">Which.</param>
/// <param name="Name">The reported name, with counts.</param>
/// <param name="Values">The numbers.</param>
public sealed record MetricResult(Metric Metric, string Name, IReadOnlyList<MetricValue> Values)
{
    /// <summary>Tag and number of each value: ("bleu/4", 0.31).</summary>
    public IEnumerable<(string Tag, double Value)> Tagged => Values.Select(value => (Metric.TagOf(value.Key), value.Value));
}
