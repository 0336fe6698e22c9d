namespace GumbelGan.Training.Watching;

/// <summary>Watches nothing: for tests, and for runs inside other programs.</summary>
public sealed class SilentTrainingObserver : ITrainingObserver
{
    /// <inheritdoc/>
    public void OnPhase(string name, int steps)
    {
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report)
    {
    }

    /// <inheritdoc/>
    public void OnSamples(int step, IReadOnlyList<string> real, IReadOnlyList<string> generated)
    {
    }

    /// <inheritdoc/>
    public void OnMessage(string message)
    {
    }
}
