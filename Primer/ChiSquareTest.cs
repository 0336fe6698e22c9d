using MathNet.Numerics.Distributions;

namespace GumbelGan.Primer;

/// <summary>Pearson's test of counts against probabilities (1900).</summary>
/// <param name="Statistic">The sum of (count - expected)^2 / expected: about the number of kinds less one if the probabilities are right.</param>
/// <param name="PValue">How often chance alone gives a greater one: tiny where the probabilities are wrong.</param>
public readonly record struct ChiSquareTest(double Statistic, double PValue)
{
    /// <summary>The test of <paramref name="counts"/> against <paramref name="probabilities"/>, as many.</summary>
    public static ChiSquareTest Of(IReadOnlyList<long> counts, IReadOnlyList<double> probabilities)
    {
        double total = counts.Sum(), statistic = 0;
        for (int kind = 0; kind < counts.Count; kind++)
        {
            double expected = total * probabilities[kind];
            statistic += (counts[kind] - expected) * (counts[kind] - expected) / expected;
        }

        return new ChiSquareTest(statistic, 1 - ChiSquared.CDF(counts.Count - 1, statistic));
    }
}
