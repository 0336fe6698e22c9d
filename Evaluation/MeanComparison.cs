using MathNet.Numerics;
using MathNet.Numerics.Distributions;

namespace GumbelGan.Evaluation;

/// <summary>A two-sided test of equal means.</summary>
/// <param name="Kind">Which test.</param>
/// <param name="Difference">Mean of the first minus mean of the second.</param>
/// <param name="Interval">95% interval of the difference.</param>
/// <param name="Statistic">Student's t; infinite if the values do not vary and the means differ.</param>
/// <param name="DegreesOfFreedom">Of t; fractional for Welch's test.</param>
/// <param name="PValue">
/// Two-sided, before any correction for several tests; of the exact permutation test if the values do not vary and the means differ.
/// </param>
/// <param name="EffectSize">
/// Paired: Cohen's d_z, the mean difference in standard deviations of the differences. Welch: Hedges' g, in pooled standard deviations, corrected for
/// small samples.
/// </param>
public sealed record MeanComparison(
    MeanTest Kind, double Difference, ConfidenceInterval Interval, double Statistic, double DegreesOfFreedom, double PValue, double EffectSize)
{
    private const double Confidence = 0.95;

    /// <summary>The paired t-test, for runs that share seeds (data order, initialisation) one to one.</summary>
    /// <param name="first">One value a seed; at least two.</param>
    /// <param name="second">The values of the same seeds in the same order.</param>
    /// <exception cref="ArgumentException">The lengths differ or are below two.</exception>
    public static MeanComparison Paired(IReadOnlyList<double> first, IReadOnlyList<double> second)
    {
        if (first.Count != second.Count || first.Count < 2)
        {
            throw new ArgumentException("A paired test needs at least two pairs.", nameof(second));
        }

        SeedSummary differences = SeedSummary.Of([.. first.Zip(second, (a, b) => a - b)], Confidence);
        double error = differences.StandardDeviation / Math.Sqrt(differences.Count);
        return Create(MeanTest.Paired, differences.Mean, error, differences.Count - 1, Ratio(differences.Mean, differences.StandardDeviation),
            Math.Pow(2, 1 - differences.Count));
    }

    /// <summary>Welch's t-test (1947), for independent runs whose variances may differ.</summary>
    /// <param name="first">One value a seed; at least two.</param>
    /// <param name="second">One value a seed; at least two.</param>
    /// <exception cref="ArgumentException">A side has fewer than two values.</exception>
    public static MeanComparison Welch(IReadOnlyList<double> first, IReadOnlyList<double> second)
    {
        if (first.Count < 2 || second.Count < 2)
        {
            throw new ArgumentException("Welch's test needs at least two values a side.", nameof(second));
        }

        SeedSummary a = SeedSummary.Of(first, Confidence), b = SeedSummary.Of(second, Confidence);
        double varianceA = a.StandardDeviation * a.StandardDeviation, varianceB = b.StandardDeviation * b.StandardDeviation;
        double partA = varianceA / a.Count, partB = varianceB / b.Count, error = Math.Sqrt(partA + partB);
        double degrees = partA + partB == 0
            ? a.Count + b.Count - 2
            : (partA + partB) * (partA + partB) / ((partA * partA / (a.Count - 1)) + (partB * partB / (b.Count - 1)));
        int pooledDegrees = a.Count + b.Count - 2;
        double pooled = Math.Sqrt((((a.Count - 1) * varianceA) + ((b.Count - 1) * varianceB)) / pooledDegrees);
        return Create(MeanTest.Welch, a.Mean - b.Mean, error, degrees, SmallSampleFactor(pooledDegrees) * Ratio(a.Mean - b.Mean, pooled),
            2 / SpecialFunctions.Binomial(a.Count + b.Count, a.Count));
    }

    /// <summary>Holm's correction (1979) for several tests: adjusted p-values that control the chance of any false rejection.</summary>
    /// <param name="pValues">One a test; [m].</param>
    /// <returns>Adjusted, in the same order, at most 1; [m].</returns>
    public static double[] Holm(IReadOnlyList<double> pValues)
    {
        double[] adjusted = new double[pValues.Count];
        double largest = 0;
        int rank = 0;
        foreach (int test in Enumerable.Range(0, pValues.Count).OrderBy(index => pValues[index]))
        {
            largest = Math.Max(largest, Math.Min(1, (pValues.Count - rank) * pValues[test]));
            adjusted[test] = largest;
            rank++;
        }

        return adjusted;
    }

    // Where nothing varies Student's t says nothing; what is left is how seldom chance alone sets all seeds apart so, of all ways to assign signs to
    // the pairs or values to the sides: the exact permutation test.
    private static MeanComparison Create(MeanTest kind, double difference, double error, double degrees, double effect, double permutation)
    {
        double statistic = Ratio(difference, error);
        double half = StudentT.InvCDF(0, 1, degrees, 0.5 + (Confidence / 2)) * error;
        double pValue = double.IsInfinity(statistic) ? permutation : Math.Min(1, 2 * StudentT.CDF(0, 1, degrees, -Math.Abs(statistic)));
        return new MeanComparison(kind, difference, new(difference - half, difference + half), statistic, degrees, pValue, effect);
    }

    // 0/0 is no effect, x/0 an infinite one.
    private static double Ratio(double numerator, double denominator) => numerator == 0 ? 0 : numerator / denominator;

    // Hedges (1981): the exact factor that makes g unbiased.
    private static double SmallSampleFactor(int degrees) =>
        degrees < 2 ? 1
            : Math.Exp(SpecialFunctions.GammaLn(degrees / 2.0) - SpecialFunctions.GammaLn((degrees - 1) / 2.0)) / Math.Sqrt(degrees / 2.0);
}

/// <summary>The tests of <see cref="MeanComparison"/>.</summary>
public enum MeanTest
{
    /// <summary>Student's t on differences seed by seed.</summary>
    Paired,

    /// <summary>Welch's t on independent seeds.</summary>
    Welch,
}
