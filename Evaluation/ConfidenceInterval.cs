using MathNet.Numerics.Distributions;

namespace GumbelGan.Evaluation;

/// <summary>A two-sided confidence interval.</summary>
/// <param name="Lower">Lower limit, in the unit of the estimate; may be infinite.</param>
/// <param name="Upper">Upper limit; may be infinite.</param>
public readonly record struct ConfidenceInterval(double Lower, double Upper)
{
    /// <summary>Wilson's score interval for a proportion (Wilson 1927): it stays inside [0, 1] and keeps its width at 0 and n successes.</summary>
    /// <param name="successes">How many of the trials succeeded.</param>
    /// <param name="trials">How many there were; at least 1.</param>
    /// <param name="confidence">Coverage, for example 0.95.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no trials, or more successes than trials.</exception>
    public static ConfidenceInterval Wilson(long successes, long trials, double confidence = 0.95)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(trials);
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        double z = NormalQuantile(confidence), share = (double)successes / trials, shrink = 1 + (z * z / trials);
        double centre = (share + (z * z / (2 * trials))) / shrink;
        double half = z / shrink * Math.Sqrt((share * (1 - share) / trials) + (z * z / (4.0 * trials * trials)));

        // At the ends the limit is exactly 0 or 1; rounding must not leave the observed share outside.
        return new(successes == 0 ? 0 : centre - half, successes == trials ? 1 : centre + half);
    }

    /// <summary>The standard normal's two-sided quantile: 1.96 for 0.95.</summary>
    internal static double NormalQuantile(double confidence) => Normal.InvCDF(0, 1, 0.5 + (confidence / 2));
}
