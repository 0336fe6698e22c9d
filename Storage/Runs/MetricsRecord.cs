namespace GumbelGan.Storage;

/// <summary>One line of metrics.jsonl.</summary>
/// <param name="Step">The training step.</param>
/// <param name="Phase">What the run was doing, for example "adversarial".</param>
/// <param name="Scalars">Tag and value, in the order of the line; values may be NaN or infinite.</param>
public sealed record MetricsRecord(long Step, string Phase, IReadOnlyDictionary<string, double> Scalars);
