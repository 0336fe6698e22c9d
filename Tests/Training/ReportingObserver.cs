using GumbelGan.Training.Watching;

namespace GumbelGan.Tests.Training;

/// <summary>Calls back after each report with the number of reports so far, and keeps the messages.</summary>
internal sealed class ReportingObserver(Action<int> reported) : ITrainingObserver
{
    private int _reports;

    public List<string> Messages { get; } = [];

    public void OnPhase(string name, int steps)
    {
    }

    public void OnStep(StepReport report) => reported(++_reports);

    public void OnSamples(int step, IReadOnlyList<string> real, IReadOnlyList<string> generated)
    {
    }

    public void OnMessage(string message) => Messages.Add(message);
}
