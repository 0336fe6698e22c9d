using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed class TruncationKernelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(500)]
    [InlineData(4096)]
    public void What_stays_is_the_beginning_of_the_sorted_row(int vocabulary)
    {
        var random = new RandomStream(new RandomKey(11).Derive((ulong)vocabulary));
        foreach (int scale in new[] { 0, 1, 6, 40 })
        {
            foreach ((int topK, double topP) in new[] { (0, 1.0), (1, 1.0), (3, 1.0), (vocabulary, 1.0), (0, 0.3), (0, 0.999), (0, 1e-6), (40, 0.9) })
            {
                float[] weights =
                    [.. Enumerable.Range(0, vocabulary).Select(_ => random.NextInt32(5) == 0 ? 0 : (float)Math.Exp(-scale * random.NextDouble()))];
                weights[^1] = 1;
                float[] found = [.. weights];
                TruncationKernel.Truncate(found, topK, topP);
                Assert.Equal(Reference(weights, topK, topP), found);
            }
        }
    }

    [Fact]
    public void The_nucleus_is_the_smallest_set_that_holds_the_share()
    {
        // Sums of these are exact, so that a set that holds exactly the share is seen as holding it.
        float[] weights = [0.125f, 0.5f, 0.0625f, 0.25f, 0.0625f];
        Assert.Equal([0, 0.5f, 0, 0, 0], Truncated(weights, 0, 0.5));
        Assert.Equal([0, 0.5f, 0, 0.25f, 0], Truncated(weights, 0, 0.5000001));
        Assert.Equal([0, 0.5f, 0, 0.25f, 0], Truncated(weights, 0, 0.75));
        Assert.Equal([0.125f, 0.5f, 0.0625f, 0.25f, 0], Truncated(weights, 0, 0.9375));
        Assert.Equal(weights, Truncated(weights, 0, 0.94));
    }

    [Fact]
    public void The_share_is_of_what_top_k_has_left()
    {
        // Of the whole, .5 is half; of the two likeliest, two thirds.
        float[] weights = [0.125f, 0.5f, 0.125f, 0.25f];
        Assert.Equal([0, 0.5f, 0, 0], Truncated(weights, 2, 0.6));
        Assert.Equal([0, 0.5f, 0, 0.25f], Truncated(weights, 0, 0.6));
    }

    [Fact]
    public void Of_equal_weights_the_first_stay()
    {
        float[] weights = [.. Enumerable.Repeat(0.5f, 1000)];
        Assert.Equal(10, Array.LastIndexOf(Truncated(weights, 11, 1), 0.5f));
        Assert.Equal(299, Array.LastIndexOf(Truncated(weights, 0, 0.3), 0.5f));
        Assert.Equal([0, 0.25f, 0, 0], Truncated([0.125f, 0.25f, 0.25f, 0], 1, 1));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 0)]
    [InlineData(0, 1.1)]
    [InlineData(0, double.NaN)]
    public void What_is_no_truncation_is_refused(int topK, double topP) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => TruncationKernel.Truncate(new float[2], topK, topP));

    private static float[] Truncated(float[] weights, int topK, double topP)
    {
        float[] found = [.. weights];
        TruncationKernel.Truncate(found, topK, topP);
        return found;
    }

    /// <summary>The definition, by sorting.</summary>
    internal static float[] Reference(float[] weights, int topK, double topP)
    {
        int[] order = [.. Enumerable.Range(0, weights.Length).OrderByDescending(token => weights[token]).ThenBy(token => token)];
        order = topK == 0 ? order : order[..Math.Min(topK, order.Length)];
        double total = order.Sum(token => (double)weights[token]), mass = 0;
        float[] left = new float[weights.Length];
        foreach (int token in order)
        {
            if (topP < 1 && mass >= topP * total)
            {
                break;
            }

            left[token] = weights[token];
            mass += weights[token];
        }

        return left;
    }
}
