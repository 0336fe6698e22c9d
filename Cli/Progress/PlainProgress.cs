using GumbelGan.Storage;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Progress;

/// <summary>Progress where there is no terminal: a line now and then, nothing that a log file would choke on.</summary>
internal sealed class PlainProgress(TextWriter writer, TimeProvider clock) : ITrainingObserver
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(10);

    private readonly ProgressState _state = new(clock);
    private long? _lastLine;
    private long? _lastSample;

    public void OnPhase(string name, int steps)
    {
        _state.Begin(name, steps);
        _lastLine = null;
        writer.WriteLine(FormattableString.Invariant($"{name}: {steps} steps"));
    }

    public void OnStep(StepReport report)
    {
        _state.Take(report);
        if (_lastLine is { } last && clock.GetElapsedTime(last) < _interval && report.Step < report.TotalSteps)
        {
            return;
        }

        _lastLine = clock.GetTimestamp();
        // A line that fits a log: the rest is in metrics.jsonl and TensorBoard.
        IEnumerable<string> parts = _state.Scalars
            .Where(scalar => scalar.Key.StartsWith("loss/", StringComparison.Ordinal)
                || scalar.Key is "temperature" or "nll/validation" or "nll/test")
            .Select(scalar => $"{scalar.Key} {ProgressText.Number(scalar.Value)}");
        if (report.Temperature is { } temperature && !_state.Scalars.ContainsKey("temperature"))
        {
            parts = parts.Append($"temperature {ProgressText.Number(temperature)}");
        }

        if (report.SequencesPerSecond > 0)
        {
            parts = parts.Append($"{ProgressText.Number(report.SequencesPerSecond)} sequences/s");
        }

        if (_state.Left is { } left && report.Step < report.TotalSteps)
        {
            parts = parts.Append($"{ProgressText.Duration(left)} left");
        }

        writer.WriteLine(FormattableString.Invariant($"{report.Phase} {report.Step}/{report.TotalSteps}: {string.Join(", ", parts)}"));
    }

    public void OnSamples(int step, IReadOnlyList<string> real, IReadOnlyList<string> generated)
    {
        if (generated.Count > 0 && (_lastSample is not { } last || clock.GetElapsedTime(last) >= _interval))
        {
            _lastSample = clock.GetTimestamp();
            writer.WriteLine($"sample: {HarmlessText.Of(generated[0])}");
        }
    }

    public void OnMessage(string message) => writer.WriteLine(HarmlessText.Of(message));
}
