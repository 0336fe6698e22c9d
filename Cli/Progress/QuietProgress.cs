using GumbelGan.Storage;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Progress;

/// <summary><c>--quiet</c>: messages only.</summary>
internal sealed class QuietProgress(TextWriter writer) : ITrainingObserver
{
    public void OnPhase(string name, int steps)
    {
    }

    public void OnStep(StepReport report)
    {
    }

    public void OnSamples(int step, IReadOnlyList<string> real, IReadOnlyList<string> generated)
    {
    }

    public void OnMessage(string message) => writer.WriteLine(HarmlessText.Of(message));
}
