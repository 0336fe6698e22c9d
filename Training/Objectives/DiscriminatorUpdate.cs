using GumbelGan.Discriminators;
using GumbelGan.Randomness;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Losses;
using GumbelGan.Training.Runs;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// Teaches the discriminator to tell real sequences from generated ones. The last one of a step shares its samples with the generator's first.
/// </summary>
/// <param name="learner">The discriminator.</param>
/// <param name="discriminator">The same as a discriminator.</param>
/// <param name="game">Generates.</param>
/// <param name="realBatches">Real sequences, [B, T] by number.</param>
/// <param name="options">The game's rules.</param>
/// <param name="isWarmUp">One update a step, on samples that the generator does not learn from.</param>
public sealed class DiscriminatorUpdate(
    Learner learner, Discriminator discriminator, AdversarialObjective game, Func<long, Tensor> realBatches,
        AdversarialOptions options, bool isWarmUp) : Update(learner, options.ClipNorm)
{
    private bool SharesSamples => !isWarmUp && options.BatchOfDiscriminator == options.BatchSize;

    /// <summary>Keys the weights with which the discriminator begins anew.</summary>
    public RandomKey Restarts { get; init; }

    /// <inheritdoc/>
    public override int TimesAStep => isWarmUp ? 1 : options.DiscriminatorSteps;

    /// <inheritdoc/>
    public override int ReportedRepeat => TimesAStep - 1;

    /// <inheritdoc/>
    public override double LearningRateAt(long step, long steps) =>
        isWarmUp ? options.DiscriminatorLearningRate : options.DiscriminatorLearningRateAt(step, steps);

    /// <inheritdoc/>
    public override void Prepare(StepContext step, int repeat)
    {
        (long restart, long since) = Math.DivRem(step.PhaseStep - 1, Math.Max(1, options.DiscriminatorRestartEvery));
        if (options.DiscriminatorRestartEvery > 0 && !isWarmUp && repeat == 0 && restart > 0 && since == 0)
        {
            discriminator.Initialise(Restarts.Derive((ulong)restart));
            Learner.Optimizer.Forget();
        }

        // Before anything is embedded: all passes of this update, and the generator's after it, use the same singular vectors.
        discriminator.IteratePower();
        if (repeat == TimesAStep - 1 && SharesSamples)
        {
            step.Shared = game.Generate(step.Ranks.Share(options.BatchSize), step.Temperature!.Value, step.Noise.Derive(0));
        }
    }

    /// <inheritdoc/>
    public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(StepContext step, int repeat)
    {
        // The samples that are shared with the generator are number 0, and come last.
        ulong number = (ulong)((repeat + 1) % TimesAStep);
        RandomKey noise = step.Noise.Derive(number);
        GeneratedBatch fakes = repeat == TimesAStep - 1 && step.Shared is { } shared ? shared : Apart(step, noise);
        Tensor ids = realBatches((step.PhaseStep - 1) * TimesAStep + (long)number); // [B, T]
        discriminator.DropoutKey = step.Dropout.Derive(number);
        Tensor real = discriminator.Scores(ids); // [B, R]
        (Tensor embedded, Tensor mask) = game.Detached(fakes); // [B, T', F], [B, T']
        Tensor fake = discriminator.ScoresEmbedded(embedded, mask); // [B, R]
        discriminator.DropoutKey = null;
        Tensor loss = options.Loss.OfDiscriminator(real, fake, options.LabelSmoothing);
        if (options.GradientPenalty > 0)
        {
            loss += options.GradientPenalty * GradientPenalty.Of(discriminator, ids, embedded, mask, noise.Derive("gradient penalty"));
        }

        return (loss, [("score/real", real.mean().item<float>()), ("score/fake", fake.mean().item<float>())]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Tag, double Value)> Report(StepContext step, UpdateResult made) =>
        [("loss/discriminator", made.Loss), .. made.Measured, ("gradient_norm/discriminator", made.GradientNorm)];

    /// <inheritdoc/>
    public override TrainingState Counted(TrainingState state, int repeat) => state with
    {
        DiscriminatorUpdates = state.DiscriminatorUpdates + 1,
        RealSequences = state.RealSequences + options.BatchOfDiscriminator,
        GeneratedSequences = state.GeneratedSequences + options.BatchOfDiscriminator,
    };

    private GeneratedBatch Apart(StepContext step, RandomKey noise)
    {
        using IDisposable off = no_grad();
        return game.Generate(step.Ranks.Share(options.BatchOfDiscriminator), step.Temperature!.Value, noise);
    }
}
