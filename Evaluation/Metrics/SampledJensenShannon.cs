namespace GumbelGan.Evaluation.Metrics;

/// <summary>The Jensen-Shannon divergence between a model and the true distribution, by counting samples.</summary>
public static class SampledJensenShannon
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = SampledDivergence.Of(
        "jensen_shannon", "Jensen-Shannon divergence",
        "Jensen-Shannon divergence between model and truth, invalid mass included, nats (at most 0.693).",
        report => report.JensenShannon, isShown: true);
}
