using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

/// <summary>
/// What <see cref="RelaxedVocabulary"/> makes of a row of logits: W is zero here, b the logits and the embedding the identity, so that y itself
/// comes out.
/// </summary>
public sealed unsafe class RelaxedRowTests
{
    [Theory]
    [InlineData(0.01f)]
    [InlineData(0.3f)]
    [InlineData(1f)]
    [InlineData(7.5f)]
    [InlineData(1000f)]
    public void Relaxed_row_equals_the_double_precision_softmax_of_logits_plus_the_same_noise(float temperature)
    {
        var random = new RandomStream(new RandomKey(1).Derive("logits"));
        foreach (int columns in new[] { 1, 2, 15, 17, 64, 100, 385, 800 })
        {
            float[] logits = Reference.Normal(random, columns, 3), noise = new float[columns];
            var key = new RandomKey((ulong)columns);
            (float[] relaxed, int[] tokens) = Relax(logits, temperature, key, rows: 3);
            GumbelNoise.Fill(key, 2, noise);
            // Logit and noise are added in single precision here and in the composed definition alike: that rounding is part of the input.
            double[] expected = Reference.Softmax([.. logits.Zip(noise, (l, g) => (double)(l + g))], temperature);
            Reference.AssertClose(expected, relaxed[(2 * columns)..], relative: 1e-5, absolute: 1e-12);
            Assert.Equal(Array.IndexOf(expected, expected.Max()), tokens[2]);
        }
    }

    [Fact]
    public void Rows_stay_finite_and_sum_to_one_for_extreme_temperatures_and_logits()
    {
        var random = new RandomStream(new RandomKey(3));
        foreach (float temperature in new[] { 0.01f, 1f, 1000f })
        {
            foreach (int columns in new[] { 1, 7, 500 })
            {
                float[] logits = Reference.Normal(random, columns, 1);
                logits[0] = 1e4f;
                logits[^1] = -1e4f;
                float[] relaxed = Relax(logits, temperature, new RandomKey(4), rows: 1).Relaxed;
                Assert.All(relaxed, y => Assert.InRange(y, 0f, 1f));
                Assert.All(relaxed, y => Assert.True(y == 0f || y >= 1e-37f, "a denormal"));
                Assert.Equal(1.0, relaxed.Sum(y => (double)y), 2e-6);
            }
        }
    }

    [Fact]
    public void Forbidden_tokens_get_exactly_zero_also_where_they_fill_a_piece_and_a_NaN_logit_is_not_hidden()
    {
        float[] logits = [.. Enumerable.Repeat(float.NegativeInfinity, 800)], expected = new float[800];
        (logits[1], logits[799]) = (1f, 2f);
        (expected[1], expected[799]) = (0.26894142f, 0.73105858f);
        Assert.Equal(expected, Relax(logits, 1f, null, rows: 1).Relaxed, Reference.Within(1e-6f));
        Assert.All(Relax(logits, 1f, null, rows: 1).Relaxed[2..799], y => Assert.Equal(0f, y));
        logits[1] = float.NaN;
        Assert.Contains(Relax(logits, 1f, null, rows: 1).Relaxed, float.IsNaN);
    }

    [Fact]
    public void The_largest_column_is_distributed_as_softmax_of_the_logits_at_any_temperature()
    {
        float[] logits = [0.3f, -1f, 1.2f, 0f, -2f, 0.7f];
        double[] probabilities = Reference.Softmax([.. logits.Select(l => (double)l)], 1);
        foreach (float temperature in new[] { 0.1f, 5f })
        {
            int[] counts = new int[6];
            foreach (int token in Relax(logits, temperature, new RandomKey(10), rows: 200_000).Tokens)
            {
                counts[token]++;
            }

            Reference.AssertChiSquare(probabilities, counts);
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(-1f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Temperatures_that_make_no_sense_are_refused(float temperature) =>
        Assert.Throws<ArgumentException>(() => Relax([1f, 2f, 3f], temperature, null, rows: 1));

    // [rows, V] and [rows]: as many rows of the same logits, each with its own noise.
    private static (float[] Relaxed, int[] Tokens) Relax(float[] logits, float temperature, RandomKey? key, int rows)
    {
        int vocabulary = logits.Length;
        float[] relaxed = new float[rows * vocabulary], maxima = new float[rows], sums = new float[rows];
        float[] identity = new float[vocabulary * vocabulary];
        int[] tokens = new int[rows];
        for (int token = 0; token < vocabulary; token++)
        {
            identity[(token * vocabulary) + token] = 1f;
        }

        using var parallel = new RowParallel(2);
        using var fused = new RelaxedVocabulary(vocabulary, 1, vocabulary, 0, rows);
        fixed (float* h = new float[rows], w = new float[vocabulary], b = logits, embedding = identity, y = relaxed, max = maxima, sum = sums)
        fixed (int* token = tokens)
        {
            fused.PackGenerator(parallel, w, b, embedding);
            var step = new RelaxedStep { Hidden = h, Rows = rows, Temperature = temperature, Key = key, Maxima = max, Sums = sum };
            fused.Forward(parallel, step, y, null, token);
        }

        return (relaxed, tokens);
    }
}
