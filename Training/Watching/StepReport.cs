namespace GumbelGan.Training.Watching;

/// <summary>What an observer is told after a step.</summary>
/// <param name="Phase">The phase that the step belongs to.</param>
/// <param name="Step">Steps of this phase done so far, from 1.</param>
/// <param name="TotalSteps">Steps of this phase in all.</param>
/// <param name="Scalars">
/// The step's scalars under their TensorBoard tags (<c>loss/generator</c>, <c>nll/validation</c> in nats per token, ...).
/// </param>
/// <param name="Temperature">The relaxation's temperature, or null where there is none.</param>
/// <param name="SequencesPerSecond">Training sequences a second, lately.</param>
public sealed record StepReport(
    string Phase, int Step, int TotalSteps, IReadOnlyDictionary<string, double> Scalars, double? Temperature, double SequencesPerSecond);
