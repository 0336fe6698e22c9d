using GumbelGan.Discriminators;
using GumbelGan.Randomness;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>Generated sequences in the form that an objective trains on.</summary>
/// <param name="Ids">[B, T] of int64, padding after the end token.</param>
/// <param name="Relaxed">[B, T, V], the samples that carry the gradient; null where the objective learns from hard samples.</param>
/// <param name="Mask">[B, T] of float32: 1 for tokens, 0 after the end.</param>
public sealed record GeneratedBatch(Tensor Ids, Tensor? Relaxed, Tensor Mask)
{
    /// <summary>The key that the batch was drawn with, for whatever else an objective draws about it.</summary>
    public RandomKey Noise { get; init; }
}

/// <summary>
/// A game between generator and discriminator: likelihood first, a warm-up of the discriminator, then both learn. A kind of game says what the
/// generator generates, and what it minimises.
/// </summary>
public abstract class AdversarialObjective : Objective
{
    private readonly Learner _generatorLearner, _discriminatorLearner;

    /// <summary>A game of these parts.</summary>
    protected AdversarialObjective(TrainingParts parts)
    {
        RunConfig config = parts.Config;
        AdversarialOptions options = config.Adversarial;
        Discriminator = parts.Discriminator;
        _generatorLearner = LikelihoodPhases.Learner(config, parts.Generator);
        _discriminatorLearner = new Learner("discriminator", parts.Discriminator, options.DiscriminatorLearningRate, options.Beta1);
        DiscriminatorUpdate Judge(bool isWarmUp) =>
            new(_discriminatorLearner, parts.Discriminator, this, parts.Generator.Format, parts.Adversarial.Batch, options, isWarmUp);
        void Begin()
        {
            _generatorLearner.Renew(options.GeneratorLearningRate, options.Beta1);
            BeforePhase();
        }

        Phases =
        [
            LikelihoodPhases.Pretraining(parts, _generatorLearner),
            new Phase("warm-up", options.Steps == 0 ? 0 : options.DiscriminatorWarmUpSteps, [Judge(isWarmUp: true)])
            {
                TemperatureAt = _ => config.Temperature.At(1, Math.Max(1, options.Steps)),
                Begin = Begin,
            },
            new Phase("adversarial", options.Steps, [Judge(isWarmUp: false),
                new GeneratorUpdate(_generatorLearner, _discriminatorLearner, parts.Discriminator, this, parts.Adversarial.Batch, options)])
            {
                EvaluationInterval = config.Recording.EvaluationInterval(parts.Adversarial.BatchesPerEpoch),
                TemperatureAt = step => config.Temperature.At(step, options.Steps),
                IsRelaxed = IsRelaxed,
                Judge = parts.Discriminator,
                HasLossFloor = options.Loss.HasFloor,
                Begin = Begin,
            },
        ];
    }

    /// <inheritdoc/>
    public sealed override IReadOnlyList<Learner> Learners => [_generatorLearner, _discriminatorLearner];

    /// <inheritdoc/>
    public sealed override IReadOnlyList<Phase> Phases { get; }

    /// <summary>Who judges.</summary>
    protected Discriminator Discriminator { get; }

    /// <summary>Whether the generator learns from relaxed samples.</summary>
    protected virtual bool IsRelaxed => false;

    /// <summary>Generates a batch, with whatever the loss will need for its gradient if gradients are on.</summary>
    /// <param name="batch">B.</param>
    /// <param name="temperature">Of the relaxation; ignored by games that have none.</param>
    /// <param name="noise">Keys the draws.</param>
    public abstract GeneratedBatch Generate(int batch, double temperature, RandomKey noise);

    /// <summary>The discriminator's view of a batch for its own update: scores through which no gradient reaches the generator.</summary>
    /// <returns>[B, R].</returns>
    public abstract Tensor DetachedScores(GeneratedBatch generated);

    /// <summary>What the generator minimises, the discriminator frozen.</summary>
    /// <param name="generated">From <see cref="Generate"/>, with gradients on.</param>
    /// <param name="realScores">[B, R], scores of real sequences, without a gradient.</param>
    /// <returns>The scalar loss, and what was measured beside it.</returns>
    public abstract (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) GeneratorLoss(GeneratedBatch generated, Tensor realScores);

    /// <summary>Called after each update of the generator.</summary>
    public virtual void AfterGeneratorUpdate()
    {
    }

    /// <summary>Called when a phase begins, perhaps with other weights in the generator.</summary>
    protected virtual void BeforePhase()
    {
    }
}
