using GumbelGan.Generators;
using GumbelGan.Training.Recording;
using GumbelGan.Training.Runs;

namespace GumbelGan.Training.Watching;

/// <summary>
/// Warns, once each, of a saturated discriminator, of a generator that repeats itself, of relaxed samples without a gradient, and of a discriminator
/// that tells relaxed samples from real ones by nothing but their softness.
/// </summary>
public sealed class HealthWatch(HealthOptions options, RunRecorder recorder, ITrainingObserver observer)
{
    private const string DiscriminatorLoss = "loss/discriminator";

    /// <summary>Looks at what a step measured.</summary>
    public TrainingState AfterReport(Phase phase, TrainingState state, IReadOnlyList<(string Tag, double Value)> measured) =>
        phase.HasLossFloor && measured.FirstOrDefault(scalar => scalar.Tag == DiscriminatorLoss) is { Tag: not null } loss
            ? Watch(state, state.Health.WithDiscriminatorLoss(options, loss.Value))
            : state;

    /// <summary>Looks at an evaluation.</summary>
    public TrainingState AfterEvaluation(Phase phase, TrainingState state, InterimResults record, InterimEvaluation evaluation,
        IGenerator generator)
    {
        state = Watch(state, state.Health.WithDistinct(options, record.DistinctShare, record.Samples));
        if (record.Diagnosis is { } diagnosis)
        {
            state = Watch(state, state.Health.WithDiagnosis(options, diagnosis));
        }

        if (!phase.IsRelaxed)
        {
            return state;
        }

        double temperature = phase.TemperatureAt!(Math.Max(1, state.PhaseStep));
        return Watch(state, state.Health.WithOneHot(options, evaluation.OneHotShare(generator, temperature), temperature,
            () => evaluation.OneHotShare(generator, 1)));
    }

    private TrainingState Watch(TrainingState state, (HealthState State, string? Warning) health)
    {
        if (health.Warning is { } warning)
        {
            recorder.Text("health", state.Step, warning);
            observer.OnMessage(warning);
        }

        return state with { Health = health.State };
    }
}
