using GumbelGan.Storage;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Progress;

/// <summary>What is known of a run while it goes: the state behind both displays.</summary>
internal sealed class ProgressState(TimeProvider clock)
{
    private readonly List<double> _validationNlls = [];
    private readonly SortedDictionary<string, double> _scalars = new(StringComparer.Ordinal);
    private long _phaseStart = clock.GetTimestamp();
    private (int Step, long Time)? _firstReport;

    public StepReport? Last { get; private set; }

    public string Phase { get; private set; } = "";

    public int TotalSteps { get; private set; }

    public string? Sample { get; private set; }

    /// <summary>The latest value of every tag: rarer ones (NLL) stay visible between their updates.</summary>
    public IReadOnlyDictionary<string, double> Scalars => _scalars;

    public IReadOnlyList<double> ValidationNlls => _validationNlls;

    public TimeSpan Elapsed => clock.GetElapsedTime(_phaseStart);

    /// <summary>
    /// By the average speed since this phase's first report, which need not be step 1: a resumed phase begins further on, and a loop may
    /// report every twentieth step. Null before the second report.
    /// </summary>
    public TimeSpan? Left => Last is { } last && _firstReport is { } first && last.Step > first.Step
        ? clock.GetElapsedTime(first.Time) / (last.Step - first.Step) * (last.TotalSteps - last.Step)
        : null;

    public void Begin(string phase, int steps)
    {
        (Phase, TotalSteps, Last, _firstReport) = (phase, steps, null, null);
        _scalars.Clear();
        _phaseStart = clock.GetTimestamp();
    }

    public void Take(StepReport report)
    {
        _firstReport ??= (report.Step, clock.GetTimestamp());
        (Last, Phase, TotalSteps) = (report, report.Phase, report.TotalSteps);
        foreach ((string tag, double value) in report.Scalars)
        {
            _scalars[tag] = value;
        }

        if (report.Scalars.TryGetValue("nll/validation", out double nll))
        {
            _validationNlls.Add(nll);
        }
    }

    public void TakeSample(string sample) => Sample = HarmlessText.Of(sample);
}
