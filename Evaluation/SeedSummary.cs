using MathNet.Numerics.Distributions;

namespace GumbelGan.Evaluation;

/// <summary>One number of one method over its seeds.</summary>
/// <param name="Count">How many seeds, n.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="StandardDeviation">Sample standard deviation, divisor n-1; NaN for one seed.</param>
/// <param name="Interval">Student's t 95% interval of the mean; unbounded for one seed, which says nothing about another.</param>
public sealed record SeedSummary(int Count, double Mean, double StandardDeviation, ConfidenceInterval Interval)
{
    /// <summary>Summarises the values of independent seeds.</summary>
    /// <param name="values">One a seed; at least one, all finite.</param>
    /// <param name="confidence">Coverage of the interval.</param>
    /// <exception cref="ArgumentException">There is no value, or one that is not finite.</exception>
    public static SeedSummary Of(IReadOnlyList<double> values, double confidence = 0.95)
    {
        if (values.Count == 0 || !values.All(double.IsFinite))
        {
            throw new ArgumentException("A summary over seeds needs finite values, at least one.", nameof(values));
        }

        // Equal values have themselves as mean and no deviation; rounding must not invent one.
        double mean = values.All(value => value == values[0]) ? values[0] : values.Average();
        if (values.Count == 1)
        {
            return new SeedSummary(1, mean, double.NaN, new(double.NegativeInfinity, double.PositiveInfinity));
        }

        double deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1));
        double half = StudentT.InvCDF(0, 1, values.Count - 1, 0.5 + (confidence / 2)) * deviation / Math.Sqrt(values.Count);
        return new SeedSummary(values.Count, mean, deviation, new(mean - half, mean + half));
    }
}
