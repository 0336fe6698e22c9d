namespace GumbelGan.Evaluation;

/// <summary>
/// Divergences between a known distribution p and a model q that can both score any string: exact sums where all strings are listed, else means over
/// strings drawn from either side, however large the language is: unbiased, but that of the model conditioned on validity, a ratio, only as their
/// number grows. Nats throughout.
/// </summary>
/// <param name="Description">How they were computed, with counts: a part of the reported name.</param>
/// <param name="TrueFromModel">KL(true || model): the price of what is missing; infinite if the model excludes a string.</param>
/// <param name="ModelFromTrue">
/// KL(model || true) of the model conditioned on validity: the price of what is generated too often; NaN where nothing valid was generated.
/// </param>
/// <param name="JensenShannon">Jensen-Shannon divergence, in [0, log 2], invalid mass included.</param>
/// <param name="ModelMass">The model's probability of all valid strings.</param>
public sealed record LikelihoodDivergences(
    string Description, LikelihoodEstimate TrueFromModel, LikelihoodEstimate ModelFromTrue, LikelihoodEstimate JensenShannon,
        LikelihoodEstimate ModelMass)
{
    /// <summary>From every string there is.</summary>
    /// <param name="trueProbabilities">p, positive, summing to 1; [K].</param>
    /// <param name="modelLogProbabilities">log q of each; [K].</param>
    public static LikelihoodDivergences Exact(ReadOnlySpan<double> trueProbabilities, ReadOnlySpan<double> modelLogProbabilities)
    {
        var exact = ExactDivergences.Between(trueProbabilities, modelLogProbabilities);
        return new LikelihoodDivergences(
            FormattableString.Invariant($"exact sums over all {trueProbabilities.Length} strings"),
            new(exact.TrueFromModel, null), new(exact.ModelFromTrue, null), new(exact.JensenShannon, null), new(exact.ModelMass, null));
    }

    /// <summary>From strings drawn independently from p and from q; 95% intervals by the central limit theorem.</summary>
    /// <param name="fromTruth">log p and log q of strings drawn from p, at least two; log q is minus infinity for what the model cannot say.</param>
    /// <param name="fromModel">The same of strings drawn from q, at least two; log p is minus infinity for what is invalid.</param>
    /// <exception cref="ArgumentException">A list has fewer than two strings.</exception>
    public static LikelihoodDivergences Estimate(IReadOnlyList<(double LogTrue, double LogModel)> fromTruth,
        IReadOnlyList<(double LogTrue, double LogModel)> fromModel)
    {
        if (fromTruth.Count < 2 || fromModel.Count < 2)
        {
            throw new ArgumentException("Divergences need at least two strings of each side.");
        }

        double[] valid = [.. fromModel.Select(text => double.IsNegativeInfinity(text.LogTrue) ? 0.0 : 1.0)];
        double mass = valid.Average();
        (double trueMean, double trueVariance) = MeanAndVariance([.. fromTruth.Select(text => text.LogTrue - text.LogModel)]);

        // A ratio of means less the logarithm of a mean: its variance by the delta method, sample by sample.
        double[] excess = [.. fromModel.Select((text, i) => valid[i] == 0 ? 0 : text.LogModel - text.LogTrue)];
        double conditional = mass == 0 ? double.NaN : excess.Average() / mass;
        (double _, double modelVariance) =
            MeanAndVariance([.. excess.Select((value, i) => (value - valid[i] * conditional - (valid[i] - mass)) / mass)]);
        (double left, double leftVariance) =
            MeanAndVariance([.. fromTruth.Select(text => Math.Log(2) - Math.Log(1 + Math.Exp(text.LogModel - text.LogTrue)))]);
        (double right, double rightVariance) =
            MeanAndVariance([.. fromModel.Select(text => Math.Log(2) - Math.Log(1 + Math.Exp(text.LogTrue - text.LogModel)))]);
        return new LikelihoodDivergences(
            FormattableString.Invariant($"means over {fromTruth.Count} strings of the truth and {fromModel.Count} of the model"),
            Of(trueMean, trueVariance / fromTruth.Count),
            Of(conditional - Math.Log(mass), modelVariance / fromModel.Count),
            Of((left + right) / 2, (leftVariance / fromTruth.Count + rightVariance / fromModel.Count) / 4),
            new(mass, ConfidenceInterval.Wilson((long)valid.Sum(), valid.Length)));
    }

    private static LikelihoodEstimate Of(double mean, double variance)
    {
        double half = ConfidenceInterval.NormalQuantile(0.95) * Math.Sqrt(variance);
        return new(mean, double.IsFinite(half) ? new ConfidenceInterval(mean - half, mean + half) : null);
    }

    private static (double Mean, double Variance) MeanAndVariance(double[] values)
    {
        double mean = values.Average();
        return (mean, values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }
}

/// <summary>One number from likelihoods.</summary>
/// <param name="Value">The number.</param>
/// <param name="Interval">Its 95% interval; null where it is exact or undefined.</param>
public readonly record struct LikelihoodEstimate(double Value, ConfidenceInterval? Interval);

/// <summary>How many of a set of samples a grammar derives.</summary>
/// <param name="Valid">Those.</param>
/// <param name="Samples">All.</param>
public sealed record SampleValidity(long Valid, long Samples);
