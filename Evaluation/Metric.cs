namespace GumbelGan.Evaluation;

/// <summary>What a metric may look at. A metric whose inputs are absent is left out of the report rather than reported as zero.</summary>
public sealed record MetricInputs
{
    /// <summary>Samples of the model (or a generated text), token ids, one array a sequence, without padding and end marks; at least one.</summary>
    public required IReadOnlyList<int[]> Generated { get; init; }

    /// <summary>Held-out sequences, in the same ids.</summary>
    public IReadOnlyList<int[]>? References { get; init; }

    /// <summary>The sequences that the model was trained on, in the same ids; for novelty.</summary>
    public IReadOnlyList<int[]>? Training { get; init; }

    /// <summary>Likelihoods computed elsewhere, one a split or scorer.</summary>
    public IReadOnlyList<SplitLikelihood> Likelihoods { get; init; } = [];

    /// <summary>Hidden states of a frozen language model on the generated sequences; [N, H].</summary>
    public double[,]? GeneratedFeatures { get; init; }

    /// <summary>The same on held-out sequences; [M, H].</summary>
    public double[,]? ReferenceFeatures { get; init; }

    /// <summary>Divergences from an exactly known distribution, on grammars.</summary>
    public SampleDivergenceReport? Divergences { get; init; }

    /// <summary>How many of the generated sequences are valid, on grammars; not needed beside <see cref="Divergences"/>.</summary>
    public SampleValidity? Validity { get; init; }

    /// <summary>Divergences from an exactly known distribution by likelihoods, on grammars.</summary>
    public LikelihoodDivergences? LikelihoodDivergences { get; init; }

    /// <summary>Threads for BLEU; -1 for one a core. No result depends on it.</summary>
    public int Threads { get; init; } = -1;
}

/// <summary>
/// A total negative log-likelihood, from which the means per token and per sequence follow. Padding is no token; the end mark is one.
/// </summary>
/// <param name="Name">
/// Who was scored and by whom, in a word that can stand in a tag: "test" and "validation" are held-out text under the model, "oracle" generated text
/// under the oracle.
/// </param>
/// <param name="Description">The same in words, for the definition: "held-out test text under the model".</param>
/// <param name="TotalNats">Minus the sum of all log-probabilities, nats.</param>
/// <param name="Tokens">Tokens scored.</param>
/// <param name="Sequences">Sequences scored.</param>
public sealed record SplitLikelihood(string Name, string Description, double TotalNats, long Tokens, long Sequences);

/// <summary>One number of a metric.</summary>
/// <param name="Key">Which: "4" of BLEU; empty where the metric has one number only.</param>
/// <param name="Value">The number; NaN or infinite where undefined.</param>
/// <param name="Interval">
/// Its 95% interval, where the metric has one of its own (over seeds there is always one, see <see cref="SeedSummary"/>).
/// </param>
public sealed record MetricValue(string Key, double Value, ConfidenceInterval? Interval = null);

/// <summary>One entry of the table of metrics.</summary>
/// <param name="Key">Its key in JSON: "self_bleu".</param>
/// <param name="Tag">Its tag in TensorBoard and metrics.jsonl, to which the value's key is appended: "self_bleu" gives "self_bleu/4".</param>
/// <param name="Better">Which direction is better, if one is.</param>
/// <param name="Requires">Whether the inputs suffice.</param>
/// <param name="Name">The reported name: sample counts, smoothing and reference handling are part of it.</param>
/// <param name="Definition">What is computed, a sentence or two, with source.</param>
/// <param name="Compute">The numbers; a pure function of the inputs.</param>
public sealed record Metric(
    string Key,
    string Tag,
    Better Better,
    Func<MetricInputs, bool> Requires,
    Func<MetricInputs, string> Name,
    string Definition,
    Func<MetricInputs, IEnumerable<MetricValue>> Compute);

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
    public IEnumerable<(string Tag, double Value)> Tagged =>
        Values.Select(value => (value.Key.Length == 0 ? Metric.Tag : $"{Metric.Tag}/{value.Key}", value.Value));
}
