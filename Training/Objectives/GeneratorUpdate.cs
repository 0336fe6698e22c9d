using GumbelGan.Discriminators;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>Teaches the generator what the discriminator takes for real.</summary>
/// <param name="learner">The generator.</param>
/// <param name="judge">The discriminator, frozen meanwhile.</param>
/// <param name="discriminator">The same as a discriminator.</param>
/// <param name="game">Generates, and knows the loss.</param>
/// <param name="realBatches">Real sequences, [B, T] by number.</param>
/// <param name="options">The game's rules.</param>
public sealed class GeneratorUpdate(
    Learner learner, Learner judge, Discriminator discriminator, AdversarialObjective game, Func<long, Tensor> realBatches,
        AdversarialOptions options) : Update(learner, options.ClipNorm)
{
    /// <inheritdoc/>
    public override int TimesAStep => options.GeneratorSteps;

    /// <inheritdoc/>
    public override Learner Frozen => judge;

    /// <inheritdoc/>
    public override double LearningRateAt(long step, long steps) => options.GeneratorLearningRate;

    /// <inheritdoc/>
    public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(StepContext step, int repeat)
    {
        GeneratedBatch generated = repeat == 0
            ? step.Shared!
            : game.Generate(options.BatchSize, step.Temperature!.Value, step.Noise.Derive((ulong)(options.DiscriminatorSteps + repeat)));
        // [B, R]
        Tensor realScores = options.Loss.RealScoresForGenerator(discriminator, realBatches((step.PhaseStep - 1) * options.DiscriminatorSteps));
        return game.GeneratorLoss(generated, realScores);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Tag, double Value)> Report(StepContext step, UpdateResult made) =>
        [("loss/generator", made.Loss), ("gradient_norm/generator", made.GradientNorm), ("temperature", step.Temperature!.Value), .. made.Measured];

    /// <inheritdoc/>
    public override TrainingState Counted(TrainingState state, int repeat) =>
        state with
        {
            GeneratorUpdates = state.GeneratorUpdates + 1,
            GeneratedSequences = state.GeneratedSequences + (repeat == 0 ? 0 : options.BatchSize)
        };

    /// <inheritdoc/>
    protected override void After() => game.AfterGeneratorUpdate();
}
