using GumbelGan.Training;

namespace GumbelGan.Cli.Progress;

/// <summary>What is known of a run while it goes: the state behind both displays.</summary>
internal sealed class ProgressState(TimeProvider clock)
{
    private readonly List<double> _validationNlls = [];
    private readonly SortedDictionary<string, double> _scalars = new(StringComparer.Ordinal);
    private long _phaseStart = clock.GetTimestamp();
    private int? _firstStep;

    public StepReport? Last { get; private set; }

    public string Phase { get; private set; } = "";

    public int TotalSteps { get; private set; }

    public string? Sample { get; private set; }

    /// <summary>The latest value of every tag: rarer ones (NLL) stay visible between their updates.</summary>
    public IReadOnlyDictionary<string, double> Scalars => _scalars;

    public IReadOnlyList<double> ValidationNlls => _validationNlls;

    public TimeSpan Elapsed => clock.GetElapsedTime(_phaseStart);

    /// <summary>By the average speed of this phase in this process; null before two reports (a resumed phase does not begin at step 1).</summary>
    public TimeSpan? Left => Last is { } last && last.Step > _firstStep
        ? Elapsed / (last.Step - _firstStep.Value) * (last.TotalSteps - last.Step)
        : null;

    public void Begin(string phase, int steps)
    {
        (Phase, TotalSteps, Last, _firstStep) = (phase, steps, null, null);
        _scalars.Clear();
        _phaseStart = clock.GetTimestamp();
    }

    public void Take(StepReport report)
    {
        if (_firstStep is null)
        {
            _firstStep = report.Step - 1;
        }

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

    public void TakeSample(string sample) => Sample = ProgressText.Harmless(sample);
}
