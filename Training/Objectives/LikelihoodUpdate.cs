using GumbelGan.Generators;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Runs;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>Makes real sequences more likely: the mean negative log-likelihood a token, in nats.</summary>
/// <param name="learner">The generator.</param>
/// <param name="generator">The same as a generator.</param>
/// <param name="batches">Real sequences.</param>
/// <param name="batchSize">How many are in a batch.</param>
/// <param name="dropout">Share of embedded inputs and hidden outputs that is dropped.</param>
/// <param name="clipNorm">Gradients are scaled down to this joint norm.</param>
/// <param name="learningRate">Adam's step size, a function of step and number of steps.</param>
public sealed class LikelihoodUpdate(
    Learner learner, IGenerator generator, Func<long, Tensor> batches, int batchSize, double dropout, double clipNorm, Func<long, long,
        double> learningRate) : Update(learner, clipNorm)
{
    /// <summary>Called after each update.</summary>
    public Action Following { get; init; } = () => { };

    /// <inheritdoc/>
    public override double LearningRateAt(long step, long steps) => learningRate(step, steps);

    /// <inheritdoc/>
    public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(StepContext step, int repeat)
    {
        Tensor ids = batches(step.PhaseStep - 1); // [B, T]
        Tensor mean = generator.MeanNegativeLogLikelihood(ids, new DropoutDraw(dropout, step.Dropout));
        return (step.Ranks.PartOfTokenMean(mean, ids, generator.Format.PaddingId), []);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Tag, double Value)> Report(StepContext step, UpdateResult made) =>
        [("loss/mle", made.Loss), ("gradient_norm/generator", made.GradientNorm)];

    /// <inheritdoc/>
    public override TrainingState Counted(TrainingState state, int repeat) =>
        state with { GeneratorUpdates = state.GeneratorUpdates + 1, RealSequences = state.RealSequences + batchSize };

    /// <inheritdoc/>
    protected override void After() => Following();
}
