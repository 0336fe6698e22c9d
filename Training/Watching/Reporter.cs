using System.Diagnostics;
using GumbelGan.Training.Recording;
using GumbelGan.Training.Runs;

namespace GumbelGan.Training.Watching;

/// <summary>Records what steps measured, and tells the observer, with the speed since the last report.</summary>
public sealed class Reporter(RunRecorder recorder, ITrainingObserver observer, HealthWatch health, long sequencesBefore)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _sequences = sequencesBefore;

    /// <summary>Reports a step.</summary>
    /// <returns>The state, with what its health has become.</returns>
    public TrainingState Report(Phase phase, StepContext step, TrainingState state, IReadOnlyList<(string Tag, double Value)> measured)
    {
        double speed = (state.RealSequences - _sequences) / Math.Max(_clock.Elapsed.TotalSeconds, 1e-9);
        _sequences = state.RealSequences;
        _clock.Restart();
        recorder.Scalars(state.Step, phase.Name, measured);
        recorder.Chart(state.Step, "speed/sequences_per_second", speed);
        observer.OnStep(new StepReport(phase.Name, (int)step.PhaseStep, (int)step.PhaseSteps, measured.ToDictionary(), step.Temperature, speed));
        return health.AfterReport(phase, state, measured);
    }

    /// <summary>Everything recorded so far is on the disk when this returns.</summary>
    public RecorderPosition Flush() => recorder.Flush();
}
