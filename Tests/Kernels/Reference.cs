using GumbelGan.Randomness;
using MathNet.Numerics.Distributions;
using Xunit;

namespace GumbelGan.Tests.Kernels;

/// <summary>Straightforward double-precision definitions that the kernels are held against.</summary>
internal static class Reference
{
    public static double[] Softmax(double[] logits, double temperature)
    {
        double largest = logits.Max();
        double[] exponentials = [.. logits.Select(l => Math.Exp((l - largest) / temperature))];
        double sum = exponentials.Sum();
        return [.. exponentials.Select(e => e / sum)];
    }

    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    /// <summary>Normal numbers by Box and Muller.</summary>
    public static float[] Normal(RandomStream random, int count, double deviation)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(deviation * radius * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return values;
    }

    public static void AssertClose(IReadOnlyList<double> expected, IReadOnlyList<float> actual, double relative, double absolute)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            double error = Math.Abs(actual[i] - expected[i]);
            if (!(error <= absolute + (relative * Math.Abs(expected[i]))))
            {
                Assert.Fail($"Element {i} of {expected.Count}: {actual[i]:G9} instead of {expected[i]:G9}.");
            }
        }
    }

    public static IEqualityComparer<float> Within(float tolerance) =>
        EqualityComparer<float>.Create((a, b) => Math.Abs(a - b) <= tolerance, _ => 0);

    /// <summary>Pearson's test; fails where counts so far from their expectations would arise once in 10^5 runs.</summary>
    public static void AssertChiSquare(IReadOnlyList<double> probabilities, IReadOnlyList<int> counts)
    {
        double total = counts.Sum(), statistic = 0;
        int categories = 0;
        for (int i = 0; i < counts.Count; i++)
        {
            double expected = probabilities[i] * total;
            if (expected == 0)
            {
                Assert.Equal(0, counts[i]);
                continue;
            }

            statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
            categories++;
        }

        Assert.InRange(1 - ChiSquared.CDF(categories - 1, statistic), 1e-5, 1);
    }
}
