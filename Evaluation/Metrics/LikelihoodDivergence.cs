namespace GumbelGan.Evaluation.Metrics;

/// <summary>Divergences between a grammar and a model, by the likelihoods of strings under both.</summary>
public static class LikelihoodDivergence
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "likelihood_divergence", "likelihood_divergence", Better.Lower, inputs => inputs.LikelihoodDivergences is not null,
        inputs => $"divergences by likelihoods ({inputs.LikelihoodDivergences!.Description})",
        "Kullback-Leibler and Jensen-Shannon divergences between grammar and model, both of which score every string; nats. kl_model_true is "
            + "of the model conditioned on validity, the others include invalid mass.",
        inputs =>
        [
            new("kl_true_model", inputs.LikelihoodDivergences!.TrueFromModel.Value, inputs.LikelihoodDivergences.TrueFromModel.Interval),
            new("kl_model_true", inputs.LikelihoodDivergences.ModelFromTrue.Value, inputs.LikelihoodDivergences.ModelFromTrue.Interval),
            new("jensen_shannon", inputs.LikelihoodDivergences.JensenShannon.Value, inputs.LikelihoodDivergences.JensenShannon.Interval),
        ])
    {
        Shown = ["kl_true_model", "kl_model_true", "jensen_shannon"],
        Diversity = "kl_true_model",
        WhileTraining = ["jensen_shannon"],
        IsToldAtTheEnd = true,
    };
}
