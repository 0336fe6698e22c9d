using GumbelGan.Generators;
using GumbelGan.Training.Recording;
using GumbelGan.Training.Runs;

namespace GumbelGan.Training.Watching;

/// <summary>Evaluates the generator while it trains, and knows which weights have the lowest validation NLL so far.</summary>
public sealed class Selection(IGenerator generator, Evaluator evaluator, HealthWatch health, RunFolder folder, RunRecorder recorder,
    ITrainingObserver observer)
{
    /// <summary>Measures and samples the generator.</summary>
    /// <returns>The state now, and whether these weights are the best so far and worth a checkpoint.</returns>
    public (TrainingState State, bool IsBest) Evaluate(Phase phase, TrainingState state)
    {
        EvaluationRecord record = evaluator.Evaluate(generator, folder, recorder, state, phase);
        bool best = double.IsFinite(record.ValidationNll) && (state.BestValidationNll is not { } known || record.ValidationNll < known);
        state = best
            ? state with { BestValidationNll = record.ValidationNll, BestStep = state.Step, StaleEvaluations = 0 }
            : state with { StaleEvaluations = state.StaleEvaluations + 1 };
        observer.OnStep(new StepReport(phase.Name, (int)state.PhaseStep, (int)phase.Steps, record.Scalars.ToDictionary(), null, 0));
        observer.OnSamples((int)state.Step, record.Real, record.Generated);
        return (health.AfterEvaluation(phase, state, record, evaluator, generator), best);
    }

    /// <summary>Gives the generator its best weights back.</summary>
    public void RestoreBest() => folder.Best().LoadGenerator(generator);

    /// <summary>The test split's NLL, once, for the last weights.</summary>
    public void Finish(TrainingState state) => evaluator.Finish(generator, folder, recorder, state, observer);
}
