using GumbelGan.Discriminators;
using GumbelGan.Randomness;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>Generated sequences in the form that an objective trains on.</summary>
/// <param name="Ids">[B, T] of int64, padding after the end token.</param>
/// <param name="Mask">[B, T] of float32: 1 for tokens, 0 after the end.</param>
public sealed record GeneratedBatch(Tensor Ids, Tensor Mask)
{
    /// <summary>The key that the batch was drawn with, for whatever else an objective draws about it.</summary>
    public RandomKey Noise { get; init; }

    /// <summary>The step of the phase that it is learned from in, from 1.</summary>
    public long Step { get; init; } = 1;

    /// <summary>How many steps the phase has.</summary>
    public long Steps { get; init; } = 1;
}

/// <summary>
/// A game between generator and discriminator: likelihood first, a warm-up of the discriminator, then both learn. A kind of game says what the
/// generator generates, and what it minimises.
/// </summary>
public abstract class AdversarialObjective : Objective
{
    /// <summary>The keys that every game reads and likelihood alone does not.</summary>
    protected static readonly IReadOnlyList<string> GameKeys =
    [
        "discriminator", "adversarial.loss", "adversarial.gradient_penalty", "adversarial.label_smoothing", "adversarial.likelihood_weight",
        "adversarial.generator_steps", "adversarial.discriminator_steps", "adversarial.discriminator_warm_up_steps",
        "adversarial.discriminator_batch_size", "adversarial.discriminator_learning_rate", "adversarial.discriminator_schedule",
        "adversarial.discriminator_beta1", "adversarial.discriminator_weight_decay", "adversarial.discriminator_restart_every",
    ];

    private readonly Learner _generatorLearner, _discriminatorLearner;
    private readonly Func<IReadOnlyList<Phase>> _plan;
    private IReadOnlyList<Phase>? _phases;

    /// <summary>A game of these parts.</summary>
    protected AdversarialObjective(TrainingParts parts)
        : base(WeightAverage.Of(parts))
    {
        RunConfig config = parts.Config;
        AdversarialOptions options = config.Adversarial;
        Discriminator = parts.Discriminator;
        _generatorLearner = LikelihoodPhases.Learner(config, parts.Generator);
        _discriminatorLearner = new Learner("discriminator", parts.Discriminator, options.DiscriminatorLearningRate, options.BetaOfDiscriminator,
            options.DiscriminatorWeightDecay);
        DiscriminatorUpdate Judge(bool isWarmUp) =>
            new(_discriminatorLearner, parts.Discriminator, this, parts.Judged.Batch, options, isWarmUp)
            {
                Restarts = new RandomKey((ulong)config.Seed).Derive("initialisation").Derive("discriminator").Derive("restarts"),
            };
        void Begin()
        {
            _generatorLearner.Renew(options.GeneratorLearningRate, options.BetaOfGenerator, options.GeneratorWeightDecay);
            BeforePhase();
        }

        _plan = () =>
        [
            LikelihoodPhases.Pretraining(parts, _generatorLearner),
            new Phase("warm-up", options.Steps == 0 ? 0 : options.DiscriminatorWarmUpSteps, [Judge(isWarmUp: true)])
            {
                TemperatureAt = _ => config.Temperature.At(1, Math.Max(1, options.Steps)),
                Begin = Begin,
            },
            new Phase("adversarial", options.Steps, [Judge(isWarmUp: false),
                new GeneratorUpdate(_generatorLearner, _discriminatorLearner, this, parts), .. FurtherUpdates])
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
    public sealed override IReadOnlyList<Learner> Learners =>
        [_generatorLearner, _discriminatorLearner, .. FurtherUpdates.Select(update => update.Learner).Distinct()];

    /// <inheritdoc/>
    public sealed override IReadOnlyList<Phase> Phases => _phases ??= _plan();

    /// <summary>Who judges.</summary>
    protected Discriminator Discriminator { get; }

    /// <summary>Whether the generator learns from relaxed samples.</summary>
    protected internal virtual bool IsRelaxed => false;

    /// <summary>What else learns in a step of the game, after the generator, by learners of its own; the same each time.</summary>
    protected virtual IReadOnlyList<Update> FurtherUpdates => [];

    /// <summary>Generates a batch, with whatever the loss will need for its gradient if gradients are on.</summary>
    /// <param name="batch">B.</param>
    /// <param name="temperature">Of the relaxation; ignored by games that have none.</param>
    /// <param name="noise">Keys the draws.</param>
    public abstract GeneratedBatch Generate(int batch, double temperature, RandomKey noise);

    /// <summary>A batch as the discriminator reads it for its own update: no gradient reaches the generator.</summary>
    /// <returns>Multiplied by the discriminator's embedding matrix, [B, T', F], and the mask [B, T'], T' at most T.</returns>
    public abstract (Tensor Embedded, Tensor Mask) Detached(GeneratedBatch generated);

    /// <summary>What the generator minimises, the discriminator frozen.</summary>
    /// <param name="generated">From <see cref="Generate"/>, with gradients on.</param>
    /// <param name="realScores">[B, R], scores of real sequences, without a gradient.</param>
    /// <returns>The scalar loss, and what was measured beside it.</returns>
    public abstract (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) GeneratorLoss(GeneratedBatch generated, Tensor realScores);

    /// <summary>Called after each update of the generator.</summary>
    public virtual void AfterGeneratorUpdate() => FollowWeights();

    /// <summary>Called when a phase begins, perhaps with other weights in the generator.</summary>
    protected virtual void BeforePhase() => ForgetAverage();
}
