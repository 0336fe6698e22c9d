using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives.ControlVariates;

/// <summary>
/// Teaches the control variate from the samples that the generator has just learned from, once a step however often that has learned: after it,
/// since a control variate that has seen a sample would bias that sample's gradient.
/// </summary>
/// <param name="learner">The control variate.</param>
/// <param name="game">Keeps what it is to learn from.</param>
/// <param name="config">The run.</param>
internal sealed class ControlVariateUpdate(Learner learner, ControlVariateObjective game, RunConfig config)
    : Update(learner, config.Adversarial.ClipNorm)
{
    /// <inheritdoc/>
    public override double LearningRateAt(long step, long steps) => config.ControlVariate.LearningRate;

    /// <inheritdoc/>
    public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(StepContext step, int repeat) =>
        (game.ControlLoss, []);

    /// <inheritdoc/>
    public override IReadOnlyList<(string Tag, double Value)> Report(StepContext step, UpdateResult made) => [("loss/control_variate", made.Loss)];

    /// <inheritdoc/>
    public override TrainingState Counted(TrainingState state, int repeat) => state;
}
