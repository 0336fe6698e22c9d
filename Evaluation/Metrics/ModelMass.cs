namespace GumbelGan.Evaluation.Metrics;

/// <summary>The probability that a model gives to a grammar's strings.</summary>
public static class ModelMass
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "model_mass", "model_mass", Better.Higher, inputs => inputs.LikelihoodDivergences is not null,
        inputs => $"valid mass ({inputs.LikelihoodDivergences!.Description})",
        "The model's probability of all strings that the grammar derives: what validity estimates, summed exactly where the strings can be "
            + "listed.",
        inputs => [new("", inputs.LikelihoodDivergences!.ModelMass.Value, inputs.LikelihoodDivergences.ModelMass.Interval)])
    {
        WhileTraining = [""],
        IsToldAtTheEnd = true,
    };
}
