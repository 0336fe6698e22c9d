namespace GumbelGan.Training;

/// <summary>A loss or a gradient stopped being a number. Nothing of the step was applied; the last checkpoint is good.</summary>
/// <param name="phase">What the run was doing.</param>
/// <param name="step">The step that failed.</param>
/// <param name="what">What is not finite.</param>
/// <param name="checkpoint">The last good checkpoint, or null where none was written yet.</param>
public sealed class TrainingDivergedException(string phase, long step, string what, string? checkpoint) : Exception(
    $"Training diverged in step {step} ({phase}): {what}; "
        + (checkpoint is null ? "there is no checkpoint yet." : $"the last good checkpoint is {checkpoint}."))
{
    /// <summary>The step that failed.</summary>
    public long Step { get; } = step;
}
