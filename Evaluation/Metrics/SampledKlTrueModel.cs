namespace GumbelGan.Evaluation.Metrics;

/// <summary>How much of the true distribution a model misses, by counting samples.</summary>
public static class SampledKlTrueModel
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = SampledDivergence.Of(
        "kl_true_model", "KL(true || model)",
        "Kullback-Leibler divergence of the true distribution from the model, nats; undefined unless every string was sampled, but its lower "
            + "limit always exists.",
        report => report.TrueFromModel);
}
