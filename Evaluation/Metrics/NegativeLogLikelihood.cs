namespace GumbelGan.Evaluation.Metrics;

/// <summary>How surprising text is to a model; where it is computed is the concern of <see cref="MetricInputs.Likelihoods"/>.</summary>
public static class NegativeLogLikelihood
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "nll", "nll", Better.Lower, inputs => inputs.Likelihoods.Count > 0,
        inputs => "NLL (" + string.Join("; ", inputs.Likelihoods.Select(split => $"{split.Name}: {split.Description}, "
            + $"{Metric.Count(split.Sequences, "sequence")}, {Metric.Count(split.Tokens, "token")}")) + ")",
        "Mean negative log-likelihood in nats, per token under the split's name and per sequence under name_per_sequence; padding excluded, "
            + "end mark included.",
        inputs => inputs.Likelihoods.SelectMany(split => new[]
        {
            new MetricValue(split.Name, split.TotalNats / split.Tokens),
            new MetricValue($"{split.Name}_per_sequence", split.TotalNats / split.Sequences),
        }))
    {
        Shown = ["test", "oracle"],
        Quality = "oracle",
        Diversity = "test",
    };
}
