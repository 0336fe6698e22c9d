using GumbelGan.Discriminators;
using GumbelGan.Generators;
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
    /// <summary>What checkpoints call the averaged weights, and the number of updates that they are an average of.</summary>
    internal const string AverageName = "average", AverageUpdatesName = "average_updates";

    private readonly Learner _generatorLearner, _discriminatorLearner;
    private readonly FollowingGenerator? _average;
    private readonly double _averageDecay;
    private readonly Func<IReadOnlyList<Phase>> _plan;
    private IReadOnlyList<Phase>? _phases;
    private long _averageUpdates;

    /// <summary>A game of these parts.</summary>
    protected AdversarialObjective(TrainingParts parts)
    {
        RunConfig config = parts.Config;
        AdversarialOptions options = config.Adversarial;
        Discriminator = parts.Discriminator;
        _averageDecay = options.AverageDecay;
        _average = _averageDecay > 0 ? new FollowingGenerator(parts.Generator) : null;
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

    /// <inheritdoc/>
    public override IGenerator? Average => _averageUpdates > 0 ? _average?.Copy : null;

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> Tensors => _average?.Tensors(AverageName) ?? [];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Numbers
    {
        get => _averageUpdates > 0 ? new Dictionary<string, double> { [AverageUpdatesName] = _averageUpdates } : base.Numbers;
        set => _averageUpdates = value.TryGetValue(AverageUpdatesName, out double updates) ? (long)updates : 0;
    }

    /// <summary>Who judges.</summary>
    protected Discriminator Discriminator { get; }

    /// <summary>Whether the generator learns from relaxed samples.</summary>
    protected virtual bool IsRelaxed => false;

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

    /// <summary>
    /// Called after each update of the generator. The average of n updates has weights proportional to decay^(n - i), which sum to 1: the weights
    /// before the first update have no part in it.
    /// </summary>
    public virtual void AfterGeneratorUpdate()
    {
        if (_average is not null)
        {
            _averageUpdates++;
            _average.Follow(1 - (1 - _averageDecay) / (1 - Math.Pow(_averageDecay, _averageUpdates)));
        }
    }

    /// <summary>Called when a phase begins, perhaps with other weights in the generator.</summary>
    protected virtual void BeforePhase() => _averageUpdates = 0;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _average?.Dispose();
        base.Dispose(disposing);
    }
}
