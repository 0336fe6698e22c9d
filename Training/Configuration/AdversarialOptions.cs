using System.ComponentModel.DataAnnotations;
using GumbelGan.Generators;
using GumbelGan.Training.Losses;
using GumbelGan.Training.Schedules;

namespace GumbelGan.Training.Configuration;

/// <summary>
/// The phase in which the generator learns from the discriminator (with objective mle: the same number of further likelihood steps).
/// </summary>
public sealed record AdversarialOptions : IValidatableObject
{
    /// <summary>Adversarial steps N; 0 skips the phase.</summary>
    [Range(0, 100000000)]
    public int Steps { get; init; } = 1000;

    /// <summary>Sequences of each kind a step.</summary>
    [Range(1, 65536)]
    public int BatchSize { get; init; } = 64;

    /// <summary>The same for the discriminator's updates, where it shall not be batch_size: it then learns from samples of its own.</summary>
    [Range(1, 65536)]
    public int? DiscriminatorBatchSize { get; init; }

    /// <summary>What the two players minimise; the ratio losses have a generator that raises the mean score.</summary>
    public GameLoss Loss { get; init; } = GameLoss.Default;

    /// <summary>Generator updates a step.</summary>
    [Range(1, 1000)]
    public int GeneratorSteps { get; init; } = 1;

    /// <summary>Discriminator updates a step.</summary>
    [Range(1, 1000)]
    public int DiscriminatorSteps { get; init; } = 1;

    /// <summary>Discriminator updates before the first adversarial step, the generator frozen.</summary>
    [Range(0, 100000)]
    public int DiscriminatorWarmUpSteps { get; init; } = 100;

    /// <summary>Adam's step size for the generator.</summary>
    [Range(0, 10)]
    public double GeneratorLearningRate { get; init; } = 1e-4;

    /// <summary>Adam's step size for the discriminator.</summary>
    [Range(0, 10)]
    public double DiscriminatorLearningRate { get; init; } = 1e-4;

    /// <summary>How the generator's step size changes over the phase.</summary>
    public LearningRateSchedule GeneratorSchedule { get; init; } = LearningRateSchedule.Default;

    /// <summary>The same for the discriminator; its warm-up is always constant.</summary>
    public LearningRateSchedule DiscriminatorSchedule { get; init; } = LearningRateSchedule.Default;

    /// <summary>Adam's first decay rate, for both networks.</summary>
    [Range(0, 0.9999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The same for the generator alone; null takes beta1.</summary>
    [Range(0, 0.9999)]
    public double? GeneratorBeta1 { get; init; }

    /// <summary>The same for the discriminator alone; null takes beta1.</summary>
    [Range(0, 0.9999)]
    public double? DiscriminatorBeta1 { get; init; }

    /// <summary>
    /// Decoupled weight decay (AdamW) of the generator: each update with step size r first multiplies its matrices, the embedding among them, by
    /// 1 - r times this.
    /// </summary>
    [Range(0, 1000)]
    public double GeneratorWeightDecay { get; init; }

    /// <summary>The same of the discriminator, in its warm-up too; a small corpus is soon learnt by heart without.</summary>
    [Range(0, 1000)]
    public double DiscriminatorWeightDecay { get; init; }

    /// <summary>Gradients are scaled down to this joint norm; 0 does not clip.</summary>
    [Range(0, 1e6)]
    public double ClipNorm { get; init; } = 5;

    /// <summary>Weight of the gradient penalty on points between real and generated sequences; a loss that needs it says so.</summary>
    [Range(0, 1e6)]
    public double GradientPenalty { get; init; }

    /// <summary>Probability with which real sequences are not called real (one-sided label smoothing), with losses that have labels.</summary>
    [Range(0, 0.5)]
    public double LabelSmoothing { get; init; }

    /// <summary>Weight of the negative log-likelihood of a batch of real sequences, nats a token, in the generator's loss.</summary>
    [Range(0, 1e6)]
    public double LikelihoodWeight { get; init; }

    /// <summary>
    /// The share of the old average that stays at each generator update, for an exponential average of the generator's weights; 0 keeps no average.
    /// </summary>
    [Range(0, 0.999999)]
    public double AverageDecay { get; init; }

    /// <summary>Steps after which the discriminator begins anew, with other weights; 0 never.</summary>
    [Range(0, 100000000)]
    public int DiscriminatorRestartEvery { get; init; }

    /// <summary>What a sample looks like to the discriminator, and which gradient it carries (docs/estimators.md).</summary>
    public Relaxation Relaxation { get; init; } = Relaxation.Default;

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach ((string name, double rate, double decay) in new[]
        {
            (nameof(GeneratorWeightDecay), GeneratorLearningRate, GeneratorWeightDecay),
            (nameof(DiscriminatorWeightDecay), DiscriminatorLearningRate, DiscriminatorWeightDecay),
        })
        {
            if (rate * decay >= 1)
            {
                yield return PretrainingOptions.TooMuchDecay(name, rate, decay);
            }
        }
    }

    /// <summary>What contradicts itself, in sentences that name the keys.</summary>
    /// <param name="isNormalised">Whether the discriminator's matrices are held in bounds.</param>
    /// <param name="isMinimised">Whether the generator minimises the loss.</param>
    internal IEnumerable<string> Problems(bool isNormalised, bool isMinimised)
    {
        if (Loss.NeedsGradientPenalty && GradientPenalty == 0 && !isNormalised)
        {
            yield return $"adversarial.gradient_penalty must be positive with adversarial.loss {Loss}, for example 10; or set "
                + "discriminator.spectral_norm to true.";
        }

        if (LabelSmoothing > 0 && Loss.Smoothed is null)
        {
            string able = string.Join(" or ", GameLoss.All.Where(loss => loss.Smoothed is not null));
            yield return $"adversarial.label_smoothing must be 0 with adversarial.loss {Loss}, which has no labels; use {able}.";
        }

        if (isMinimised && Loss.GeneratorReadsRealScores && BatchOfDiscriminator != BatchSize)
        {
            yield return $"adversarial.discriminator_batch_size must be batch_size with adversarial.loss {Loss}, which pairs generated with real "
                + "sequences; leave it out.";
        }
    }

    internal int BatchOfDiscriminator => DiscriminatorBatchSize ?? BatchSize;

    internal double BetaOfGenerator => GeneratorBeta1 ?? Beta1;

    internal double BetaOfDiscriminator => DiscriminatorBeta1 ?? Beta1;

    /// <summary>Adam's step size for the generator in step <paramref name="step"/> of <paramref name="steps"/>, counted from 1.</summary>
    public double GeneratorLearningRateAt(long step, long steps) => GeneratorLearningRate * GeneratorSchedule.FactorAt(step, steps);

    /// <summary>The same for the discriminator.</summary>
    public double DiscriminatorLearningRateAt(long step, long steps) => DiscriminatorLearningRate * DiscriminatorSchedule.FactorAt(step, steps);
}
