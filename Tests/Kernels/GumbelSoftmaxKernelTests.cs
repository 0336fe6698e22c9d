using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed unsafe class GumbelSoftmaxKernelTests
{
    private static readonly int[] _widths = [1, 2, 15, 16, 17, 30, 31, 33, 64, 100, 1000, 1024, 1025, 5000, 5003];

    [Theory]
    [InlineData(0.01f)]
    [InlineData(0.3f)]
    [InlineData(1f)]
    [InlineData(7.5f)]
    [InlineData(1000f)]
    public void Relaxed_row_equals_the_double_precision_softmax_of_logits_plus_the_same_noise(float temperature)
    {
        var random = new RandomStream(new RandomKey(1).Derive("logits"));
        foreach (int columns in _widths)
        {
            float[] logits = Reference.Normal(random, columns, 3), relaxed = new float[columns], noise = new float[columns];
            var key = new RandomKey((ulong)columns);
            int token = GumbelSoftmaxKernel.Forward(logits, relaxed, temperature, key, 5);
            GumbelNoise.Fill(key, 5, noise);
            // Logit and noise are added in single precision here and in the composed definition alike: that rounding is part of the input.
            double[] expected = Reference.Softmax([.. logits.Zip(noise, (l, g) => (double)(l + g))], temperature);
            Reference.AssertClose(expected, relaxed, relative: 1e-5, absolute: 1e-12);
            Assert.Equal(1.0, relaxed.Sum(y => (double)y), 2e-6);
            Assert.Equal(Array.IndexOf(expected, expected.Max()), token);
        }
    }

    [Fact]
    public void Row_in_place_and_batch_give_the_same_bits_as_single_rows_whatever_the_threads_and_the_split()
    {
        const int Rows = 37, Columns = 203;
        var random = new RandomStream(new RandomKey(2));
        float[] logits = Reference.Normal(random, Rows * Columns, 2), single = new float[logits.Length];
        int[] singleTokens = new int[Rows];
        var key = new RandomKey(77);
        for (int row = 0; row < Rows; row++)
        {
            singleTokens[row] = GumbelSoftmaxKernel.Forward(
                logits.AsSpan(row * Columns, Columns), single.AsSpan(row * Columns, Columns), 0.7f, key, 100 + (ulong)row);
        }

        foreach (int threads in new[] { 1, 2, 3, 8 })
        {
            using var parallel = new RowParallel(threads);
            float[] batch = [.. logits];
            int[] tokens = new int[Rows];
            fixed (float* values = batch)
            fixed (int* found = tokens)
            {
                GumbelSoftmaxKernel.Forward(parallel, values, values, Rows, Columns, 0.7f, key, firstRow: 100, tokens: found);
            }

            Assert.Equal(single, batch);
            Assert.Equal(singleTokens, tokens);
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
                float[] relaxed = new float[columns];
                GumbelSoftmaxKernel.Forward(logits, relaxed, temperature, new RandomKey(4), 0);
                Assert.All(relaxed, y => Assert.InRange(y, 0f, 1f));
                Assert.All(relaxed, y => Assert.True(y == 0f || y >= 1e-37f, "a denormal"));
                Assert.Equal(1.0, relaxed.Sum(y => (double)y), 2e-6);
            }
        }
    }

    [Fact]
    public void Forbidden_tokens_get_exactly_zero_and_a_NaN_logit_is_not_hidden()
    {
        float[] logits = [1, float.NegativeInfinity, 2, float.NegativeInfinity], relaxed = new float[4];
        GumbelSoftmaxKernel.ForwardWithoutNoise(logits, relaxed, 1f);
        Assert.Equal([0.26894142f, 0f, 0.73105858f, 0f], relaxed, Reference.Within(1e-6f));
        logits[0] = float.NaN;
        GumbelSoftmaxKernel.ForwardWithoutNoise(logits, relaxed, 1f);
        Assert.Contains(relaxed, float.IsNaN);
    }

    [Fact]
    public void Softmax_without_noise_equals_the_double_precision_one()
    {
        var random = new RandomStream(new RandomKey(5));
        foreach (int columns in _widths)
        {
            float[] logits = Reference.Normal(random, columns, 4), probabilities = new float[columns];
            int token = GumbelSoftmaxKernel.ForwardWithoutNoise(logits, probabilities, 0.9f);
            Reference.AssertClose(Reference.Softmax([.. logits.Select(l => (double)l)], 0.9f), probabilities, relative: 2e-6, absolute: 1e-12);
            Assert.Equal(Array.IndexOf(logits, logits.Max()), token);
        }
    }

    [Fact]
    public void Backward_row_equals_finite_differences_of_the_forward_definition()
    {
        var random = new RandomStream(new RandomKey(6));
        foreach ((int columns, float temperature) in new[] { (3, 0.5f), (17, 1f), (40, 2.5f) })
        {
            float[] logits = Reference.Normal(random, columns, 1), noise = new float[columns], weights = Reference.Normal(random, columns, 1);
            float[] relaxed = new float[columns], gradient = new float[columns];
            var key = new RandomKey(8);
            GumbelNoise.Fill(key, 1, noise);
            GumbelSoftmaxKernel.Forward(logits, relaxed, temperature, key, 1);
            GumbelSoftmaxKernel.Backward(relaxed, weights, gradient, temperature);
            double[] perturbed = [.. logits.Zip(noise, (l, g) => (double)l + g)];
            for (int column = 0; column < columns; column++)
            {
                double Objective(double change)
                {
                    double[] moved = [.. perturbed];
                    moved[column] += change;
                    return Reference.Softmax(moved, temperature).Zip(weights, (y, w) => y * w).Sum();
                }

                Assert.Equal((Objective(1e-5) - Objective(-1e-5)) / 2e-5, gradient[column], 2e-6);
            }
        }
    }

    [Fact]
    public void Backward_row_equals_the_double_precision_formula_for_any_width_in_place_or_not()
    {
        var random = new RandomStream(new RandomKey(7));
        foreach (int columns in _widths)
        {
            float[] relaxed = new float[columns], gradient = Reference.Normal(random, columns, 1);
            GumbelSoftmaxKernel.ForwardWithoutNoise(Reference.Normal(random, columns, 2), relaxed, 1f);
            double mean = relaxed.Zip(gradient, (y, dy) => (double)y * dy).Sum();
            double[] expected = [.. relaxed.Zip(gradient, (y, dy) => y * (dy - mean) / 0.6)];
            float[] result = new float[columns];
            GumbelSoftmaxKernel.Backward(relaxed, gradient, result, 0.6f);
            Reference.AssertClose(expected, result, relative: 1e-5, absolute: 1e-6 * expected.Max(Math.Abs));
            GumbelSoftmaxKernel.Backward(relaxed, gradient, gradient, 0.6f);
            Assert.Equal(result, gradient);
        }
    }

    [Fact]
    public void Finished_rows_become_exactly_one_hot_padding_and_pass_no_gradient_while_others_are_untouched_by_them()
    {
        const int Rows = 9, Columns = 70, Padding = 3;
        var random = new RandomStream(new RandomKey(9));
        float[] logits = Reference.Normal(random, Rows * Columns, 2), relaxed = new float[logits.Length], unmasked = new float[logits.Length];
        float[] gradient = Reference.Normal(random, Rows * Columns, 1);
        byte[] finished = [0, 1, 0, 0, 1, 1, 0, 0, 1];
        int[] tokens = new int[Rows];
        using var parallel = new RowParallel(2);
        fixed (float* source = logits, masked = relaxed, plain = unmasked, dy = gradient)
        fixed (byte* flags = finished)
        fixed (int* found = tokens)
        {
            GumbelSoftmaxKernel.Forward(parallel, source, masked, Rows, Columns, 1f, new RandomKey(1), 0, found, flags, Padding);
            GumbelSoftmaxKernel.Forward(parallel, source, plain, Rows, Columns, 1f, new RandomKey(1));
            GumbelSoftmaxKernel.Backward(parallel, masked, dy, dy, Rows, Columns, 1f, flags);
        }

        for (int row = 0; row < Rows; row++)
        {
            ReadOnlySpan<float> y = relaxed.AsSpan(row * Columns, Columns), dy = gradient.AsSpan(row * Columns, Columns);
            if (finished[row] != 0)
            {
                Assert.Equal(Enumerable.Range(0, Columns).Select(column => column == Padding ? 1f : 0f), y.ToArray());
                Assert.All(dy.ToArray(), d => Assert.Equal(0f, d));
                Assert.Equal(Padding, tokens[row]);
            }
            else
            {
                Assert.Equal(unmasked[(row * Columns)..((row + 1) * Columns)], y.ToArray());
                Assert.Contains(dy.ToArray(), d => d != 0f);
            }
        }
    }

    [Fact]
    public void The_largest_column_is_distributed_as_softmax_of_the_logits_at_any_temperature()
    {
        float[] logits = [0.3f, -1f, 1.2f, 0f, -2f, 0.7f], relaxed = new float[6];
        double[] probabilities = Reference.Softmax([.. logits.Select(l => (double)l)], 1);
        foreach (float temperature in new[] { 0.1f, 5f })
        {
            int[] counts = new int[6];
            for (ulong row = 0; row < 200_000; row++)
            {
                counts[GumbelSoftmaxKernel.Forward(logits, relaxed, temperature, new RandomKey(10), row)]++;
            }

            Reference.AssertChiSquare(probabilities, counts);
        }
    }

    [Fact]
    public void Bits_of_a_relaxed_row_are_the_same_on_every_machine_and_vector_width()
    {
        // Written down on AVX-512; the same under DOTNET_EnableAVX512=0, DOTNET_EnableAVX2=0 and DOTNET_EnableHWIntrinsic=0.
        float[] row = [.. Enumerable.Range(0, 5003).Select(i => (i * 7919 % 1000) * 0.0078125f)];
        GumbelSoftmaxKernel.Forward(row, row, 0.75f, new RandomKey(12), 13);
        Assert.Equal(12820524873210685785UL, Tests.Randomness.GumbelNoiseTests.Hash(row));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(-1f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Temperatures_that_make_no_sense_are_refused(float temperature) =>
        Assert.Throws<ArgumentException>(() => GumbelSoftmaxKernel.ForwardWithoutNoise(new float[3], new float[3], temperature));
}
