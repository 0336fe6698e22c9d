using System.Globalization;
using GumbelGan.Storage;
using GumbelGan.Training.Watching;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace GumbelGan.Cli.Progress;

/// <summary>Progress on a terminal: one block of lines, redrawn in place a few times a second.</summary>
internal sealed class LiveProgress(IAnsiConsole console, LiveDisplayContext context, TimeProvider clock) : ITrainingObserver
{
    private const int LongestBar = 30, ShortestBar = 5;
    private const int SparklineWidth = 40;

    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(150);

    private readonly ProgressState _state = new(clock);
    private long? _lastDrawing;

    public void OnPhase(string name, int steps)
    {
        _state.Begin(name, steps);
        Draw();
    }

    public void OnStep(StepReport report)
    {
        _state.Take(report);
        if (_lastDrawing is { } last && clock.GetElapsedTime(last) < _interval && report.Step < report.TotalSteps)
        {
            return;
        }

        Draw();
    }

    public void OnSamples(int step, IReadOnlyList<string> real, IReadOnlyList<string> generated)
    {
        if (generated.Count > 0)
        {
            _state.TakeSample(generated[0]);
            Draw();
        }
    }

    public void OnMessage(string message)
    {
        console.WriteLine(HarmlessText.Of(message));
        Draw();
    }

    private void Draw()
    {
        _lastDrawing = clock.GetTimestamp();
        context.UpdateTarget(new Rows(Lines()));
        context.Refresh();
    }

    private IEnumerable<IRenderable> Lines()
    {
        bool isUnicode = console.Profile.Capabilities.Unicode;
        int step = _state.Last?.Step ?? 0;
        double part = _state.TotalSteps > 0 ? (double)step / _state.TotalSteps : 0;
        string times = $"{ProgressText.Duration(_state.Elapsed)} gone" + (_state.Left is { } left ? $", {ProgressText.Duration(left)} left" : "");
        string count = string.Create(CultureInfo.InvariantCulture, $"{step}/{_state.TotalSteps} ({part * 100:F0}%)");
        int bar = Math.Clamp(console.Profile.Width - _state.Phase.Length - count.Length - 3, ShortestBar, LongestBar);
        yield return new Markup($"[bold]{Markup.Escape(_state.Phase)}[/] [green]{ProgressText.Bar(part, bar, isUnicode)}[/] {count}");
        yield return new Text(times);

        if (_state.Last is { } report)
        {
            var numbers = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(3)).AddColumn(new GridColumn().NoWrap().RightAligned());
            foreach ((string tag, double value) in _state.Scalars)
            {
                numbers.AddRow(new Text(tag), new Text(ProgressText.Number(value)));
            }

            if (report.Temperature is { } temperature && !_state.Scalars.ContainsKey("temperature"))
            {
                numbers.AddRow(new Text("temperature"), new Text(ProgressText.Number(temperature)));
            }

            if (report.SequencesPerSecond > 0)
            {
                numbers.AddRow(new Text("sequences/s"), new Text(ProgressText.Number(report.SequencesPerSecond)));
            }

            yield return numbers;
        }

        if (_state.ValidationNlls is { Count: > 1 } nlls)
        {
            string sparkline = ProgressText.Sparkline(nlls, SparklineWidth, isUnicode);
            yield return new Text($"held-out NLL  {sparkline}  {ProgressText.Number(nlls[^1])} nats/token, best {ProgressText.Number(nlls.Min())}");
        }

        if (_state.Sample is { } sample)
        {
            yield return new Text(ProgressText.Cut($"sample  {sample}", console.Profile.Width - 1, isUnicode));
        }
    }
}
