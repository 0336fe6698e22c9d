using System.ComponentModel.DataAnnotations;
using GumbelGan.Training.Schedules;

namespace GumbelGan.Training.Configuration;

/// <summary>The maximum-likelihood phase that every objective starts with.</summary>
public sealed record PretrainingOptions : IValidatableObject
{
    /// <summary>Passes over the training split; 0 skips the phase.</summary>
    [Range(0, 100000)]
    public int Epochs { get; init; } = 20;

    /// <summary>Sequences a step.</summary>
    [Range(1, 65536)]
    public int BatchSize { get; init; } = 64;

    /// <summary>Adam's step size.</summary>
    [Range(0, 10)]
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>How the step size changes over all epochs; one that goes to zero ends nearer to the optimum.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.DefaultOfPretraining;

    /// <summary>Gradients are scaled down to this joint norm; 0 does not clip.</summary>
    [Range(0, 1e6)]
    public double ClipNorm { get; init; } = 5;

    /// <summary>Share of the embedded inputs and of the hidden outputs that is dropped while learning.</summary>
    [Range(0, 0.95)]
    public double Dropout { get; init; } = 0.3;

    /// <summary>
    /// Decoupled weight decay (AdamW): each update with step size r first multiplies the generator's matrices, the embedding among them, by
    /// 1 - r times this. Where the corpus is small it may do more than dropout.
    /// </summary>
    [Range(0, 1000)]
    public double WeightDecay { get; init; }

    /// <summary>Stop after this many evaluations without a better held-out NLL, and go on from the best weights; 0 never stops early.</summary>
    [Range(0, 100000)]
    public int Patience { get; init; } = 3;

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (LearningRate * WeightDecay >= 1)
        {
            yield return TooMuchDecay(nameof(WeightDecay), LearningRate, WeightDecay);
        }
    }

    /// <summary>What is said of a decay that leaves nothing of the weights.</summary>
    internal static ValidationResult TooMuchDecay(string name, double rate, double decay) => new(FormattableString.Invariant(
        $"is {decay}, which with a step size of {rate} takes the weights to zero or beyond; set it below {1 / rate}."), [name]);

    /// <summary>Adam's step size in step <paramref name="step"/> of <paramref name="steps"/>, counted from 1.</summary>
    public double LearningRateAt(long step, long steps) => LearningRate * Schedule.FactorAt(step, steps);
}
