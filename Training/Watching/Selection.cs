using GumbelGan.Generators;
using GumbelGan.Training.Recording;
using GumbelGan.Training.Runs;

namespace GumbelGan.Training.Watching;

/// <summary>Evaluates the generator while it trains, and knows which weights have the lowest validation NLL.</summary>
/// <remarks>
/// Each phase has its own best, and the run's best is that of its last phase. Otherwise pre-trained weights, often the best of all, would stand for
/// every method that begins with them.
/// </remarks>
/// <param name="generator">Learns.</param>
/// <param name="average">What is measured in its place, where it is there.</param>
/// <param name="evaluation">Measures.</param>
/// <param name="health">Watches.</param>
/// <param name="folder">Holds the checkpoints.</param>
/// <param name="recorder">Records.</param>
/// <param name="observer">Is told.</param>
public sealed class Selection(IGenerator generator, Func<IGenerator?> average, InterimEvaluation evaluation, HealthWatch health, RunFolder folder,
    RunRecorder recorder,
    ITrainingObserver observer)
{
    /// <summary>Measures and samples the generator.</summary>
    /// <returns>The state now, and whether these weights are the phase's best so far and worth a checkpoint.</returns>
    public (TrainingState State, bool IsBest) Evaluate(Phase phase, TrainingState state)
    {
        string recordedAs = state.PhaseStep > 0 || phase.EndsAtBest ? phase.Name : Phase.Start;
        InterimResults record = evaluation.Evaluate(average() ?? generator, folder, recorder, state, phase, recordedAs);
        bool best = double.IsFinite(record.ValidationNll) && (!state.BestIsOf(phase) || record.ValidationNll < state.BestValidationNll);
        state = best
            ? state with { BestValidationNll = record.ValidationNll, BestStep = state.Step, StaleEvaluations = 0 }
            : state with { StaleEvaluations = state.StaleEvaluations + 1 };
        observer.OnStep(new StepReport(phase.Name, (int)state.PhaseStep, (int)phase.Steps, record.Scalars.ToDictionary(), null, 0));
        observer.OnSamples((int)state.Step, record.Real, record.Generated);
        return (health.AfterEvaluation(phase, state, record, evaluation, generator), best);
    }

    /// <summary>
    /// Ends a phase: the generator gets its best weights back where the phase ends at them, and a last phase has a best in any case.
    /// </summary>
    /// <param name="phase">What ends.</param>
    /// <param name="state">At its last step.</param>
    /// <param name="isLast">Whether no phase follows.</param>
    /// <returns>The state now, and whether the last weights are the run's best though they were not evaluated.</returns>
    public (TrainingState State, bool IsOnlyChoice) Leave(Phase phase, TrainingState state, bool isLast)
    {
        bool hasBest = state.BestIsOf(phase);
        if (phase.EndsAtBest && hasBest && state.BestStep != state.Step)
        {
            folder.Best().LoadGenerator(generator);
        }

        // If the last phase was never evaluated, its last weights are the only choice.
        bool isOnlyChoice = isLast && !hasBest;
        return (isOnlyChoice ? state with { BestStep = state.Step } : state, isOnlyChoice);
    }

    /// <summary>The test split's NLL, once, for the last weights.</summary>
    public void Finish(TrainingState state) => evaluation.Finish(average() ?? generator, folder, recorder, state, observer);
}
