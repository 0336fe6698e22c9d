using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Training.Configuration;

/// <summary>Which of a generator's weights.</summary>
public enum GeneratorWeights
{
    /// <summary>Those of the last update.</summary>
    Last,

    /// <summary>Their average over the updates of the phase.</summary>
    Average,
}

/// <summary>What is written while training, and how often, in generator steps.</summary>
public sealed record RecordingOptions
{
    /// <summary>Steps between two records of losses.</summary>
    [Range(1, 1000000)]
    public int Every { get; init; } = 20;

    /// <summary>
    /// Steps between two evaluations on the validation split, each with samples and histograms; 0 means once an epoch of the training split.
    /// </summary>
    [Range(0, 1000000)]
    public int EvaluateEvery { get; init; }

    /// <summary>Steps between two evaluations in a phase of which so many steps are one pass over the training split.</summary>
    public long EvaluationInterval(long epoch) => EvaluateEvery > 0 ? EvaluateEvery : epoch;

    /// <summary>
    /// Which weights evaluations measure, the final one included: last, or average (adversarial.average_decay; the last ones where there is no
    /// average yet).
    /// </summary>
    public GeneratorWeights Weights { get; init; } = GeneratorWeights.Last;

    /// <summary>Steps between two checkpoints; evaluations that find a better generator write one too.</summary>
    [Range(1, 1000000)]
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>How many of the latest checkpoints are kept, beside the best.</summary>
    [Range(1, 1000)]
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Sentences written at each evaluation.</summary>
    [Range(1, 10000)]
    public int Samples { get; init; } = 20;

    /// <summary>Sentences generated for BLEU and self-BLEU at each evaluation; 0 leaves these out.</summary>
    [Range(0, 100000)]
    public int BleuSamples { get; init; } = 500;
}
