namespace GumbelGan.Evaluation.Metrics;

/// <summary>How far a model strays from the true distribution, by counting samples.</summary>
public static class SampledKlModelTrue
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = SampledDivergence.Of(
        "kl_model_true", "KL(model || true)",
        "Kullback-Leibler divergence of the model, conditioned on validity, from the true distribution, nats.",
        report => report.ModelFromTrue, isShown: true);
}
