namespace GumbelGan.Evaluation;

/// <summary>
/// Divergences between two distributions whose probabilities are both known, for example a grammar and a language model that can score every
/// string of it: no sampling, no estimate.
/// </summary>
/// <param name="ModelMass">The model's probability on the support: exactly what its validity rate estimates.</param>
/// <param name="ModelFromTrue">KL(model || true) of the model conditioned on the support, nats.</param>
/// <param name="TrueFromModel">KL(true || model), nats; infinite if the model excludes a string.</param>
/// <param name="JensenShannon">Jensen-Shannon divergence, nats, the model's mass outside the support included.</param>
/// <param name="TotalVariation">Total variation in [0, 1], the same.</param>
public sealed record ExactDivergences(double ModelMass, double ModelFromTrue, double TrueFromModel, double JensenShannon, double TotalVariation)
{
    /// <summary>Compares two distributions string by string.</summary>
    /// <param name="trueProbabilities">p, positive, summing to 1; [K].</param>
    /// <param name="modelLogProbabilities">The model's log-probability of each string, end mark included, nats; [K].</param>
    /// <exception cref="ArgumentException">The lengths differ, or the model's probabilities sum to more than 1.</exception>
    public static ExactDivergences Between(ReadOnlySpan<double> trueProbabilities, ReadOnlySpan<double> modelLogProbabilities)
    {
        if (trueProbabilities.Length != modelLogProbabilities.Length)
        {
            throw new ArgumentException("Each string needs both probabilities.", nameof(modelLogProbabilities));
        }

        double[] model = new double[modelLogProbabilities.Length];
        double mass = 0;
        for (int text = 0; text < model.Length; text++)
        {
            mass += model[text] = Math.Exp(modelLogProbabilities[text]);
        }

        // Single-precision logits may sum to a trace above 1.
        if (mass > 1 + 1e-3)
        {
            throw new ArgumentException(FormattableString.Invariant($"The model's probabilities sum to {mass}, above 1."),
                nameof(modelLogProbabilities));
        }

        double validity = Math.Min(1, mass);
        double[] given = [.. model.Select(probability => mass == 0 ? 0 : probability / mass)];
        double[] values = new double[Divergence.All.Length];
        for (int which = 0; which < values.Length; which++)
        {
            values[which] = Divergence.All[which].Exact(trueProbabilities, given, validity);
        }

        return new ExactDivergences(validity, values[0], values[1], values[2], values[3]);
    }
}
