namespace GumbelGan.Evaluation.Metrics;

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

    /// <summary>How samples of the model were drawn, "top-k 40": a part of every reported name; empty for the model itself, or none.</summary>
    public string DrawnWith { get; init; } = "";

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
