using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Randomness;

public sealed class GumbelNoiseTests
{
    [Theory]
    [InlineData(0UL, 0UL, 0UL, 1)]
    [InlineData(0x1234567890ABCDEFUL, 0UL, 7UL, 2)]
    [InlineData(42UL, 5UL, 0xFFFFFFFFFFFFFFFFUL, 5)]
    [InlineData(0xFFFFFFFFFFFFFFFFUL, 0x0FFFFFFEUL, 3UL, 4)]
    public void Vector_philox_gives_the_words_of_the_scalar_one(ulong key, ulong firstTile, ulong high, int tiles)
    {
        uint[] words = new uint[tiles * VectorPhilox.TileWords];
        VectorPhilox.Fill(key, firstTile, high, words);
        for (int tile = 0; tile < tiles; tile++)
        {
            for (int lane = 0; lane < 16; lane++)
            {
                Philox.Block block = Philox.Generate(key, (16 * (firstTile + (ulong)tile)) + (ulong)lane, high);
                Assert.Equal([block.A, block.B, block.C, block.D], Enumerable.Range(0, 4).Select(word => words[(64 * tile) + (16 * word) + lane]));
            }
        }
    }

    [Fact]
    public void Noise_of_any_row_length_is_minus_log_minus_log_of_the_defined_uniform()
    {
        var key = new RandomKey(2024).Derive("noise");
        foreach (int columns in new[] { 1, 15, 16, 17, 63, 64, 65, 1023, 1025, 5000 })
        {
            float[] noise = new float[columns];
            GumbelNoise.Fill(key.Derive((ulong)columns), 9, noise);
            for (int column = 0; column < columns; column++)
            {
                Assert.Equal(Gumbel(WordAt(key, (ulong)columns, 9, column)), noise[column], 1e-6);
            }
        }
    }

    [Fact]
    public unsafe void Exponential_noise_is_exact_to_3e_7_over_all_words_and_above_all_in_both_tails()
    {
        uint[] words = new uint[1 << 21];
        for (uint i = 0; i < words.Length; i++)
        {
            uint tail = i / 4;
            words[i] = (i % 4) switch
            {
                0 => tail * 2,
                1 => uint.MaxValue - (tail * 2),
                2 => i * 2048,
                _ => (uint)(uint.MaxValue * 0.3333333) + tail
            };
        }

        double worst = 0;
        for (int i = 0; i < words.Length; i += 16)
        {
            Vector512<float> noise = GumbelNoise.ExponentialFromWords(Vector512.Create<uint>(words.AsSpan(i)));
            for (int lane = 0; lane < 16; lane++)
            {
                double expected = Exponential(words[i + lane]);
                worst = Math.Max(worst, Math.Abs(noise[lane] - expected) / expected);
            }
        }

        Assert.InRange(worst, 0, 3e-7);
    }

    [Fact]
    public void Vector_logarithm_is_within_three_units_in_the_last_place_of_the_double_one()
    {
        double worst = 0;
        // Every 701st float between the smallest and the largest exponential noise, and all floats within 2^-10 of 1.
        foreach ((int first, int last, int stride) in new[]
        {
            (BitConverter.SingleToInt32Bits(1e-10f), BitConverter.SingleToInt32Bits(30f), 701),
            (BitConverter.SingleToInt32Bits(0.9990234f), BitConverter.SingleToInt32Bits(1.0009766f), 1),
        })
        {
            for (int bits = first; bits < last; bits += 16 * stride)
            {
                Vector512<int> pattern = Vector512.Create(bits) + (Vector512.Create(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) * stride);
                Vector512<float> logarithm = GumbelNoise.NegativeLogarithm(pattern.AsSingle());
                for (int lane = 0; lane < 16; lane++)
                {
                    double expected = -Math.Log(BitConverter.Int32BitsToSingle(pattern[lane]));
                    double unit = expected == 0 ? 1e-45 : Math.Pow(2, Math.Floor(Math.Log2(Math.Abs(expected))) - 23);
                    worst = Math.Max(worst, Math.Abs(logarithm[lane] - expected) / unit);
                }
            }
        }

        Assert.InRange(worst, 0.3, 3);
    }

    [Fact]
    public void Noise_is_distributed_as_standard_gumbel_by_kolmogorov_smirnov_moments_and_tail_counts()
    {
        float[] noise = Rows(new RandomKey(11), rows: 400, columns: 5000);
        Array.Sort(noise);
        double distance = 0, n = noise.Length;
        for (int i = 0; i < noise.Length; i++)
        {
            double cumulative = Math.Exp(-Math.Exp(-(double)noise[i]));
            distance = Math.Max(distance, Math.Max(cumulative - (i / n), ((i + 1) / n) - cumulative));
        }

        // Kolmogorov's distribution: sqrt(n) D exceeds 1.95 with probability 0.001.
        Assert.InRange(Math.Sqrt(n) * distance, 0.2, 1.95);
        double mean = noise.Average(x => (double)x), variance = noise.Average(x => ((double)x - mean) * (x - mean));
        double trueVariance = Math.PI * Math.PI / 6;
        Assert.InRange(mean - 0.57721566490153286, -4 * Math.Sqrt(trueVariance / n), 4 * Math.Sqrt(trueVariance / n));
        // The fourth central moment of a Gumbel variable is 27/5 times its squared variance.
        Assert.InRange((variance / trueVariance) - 1, -4 * Math.Sqrt(4.4 / n), 4 * Math.Sqrt(4.4 / n));
        foreach (double threshold in new[] { 6.0, 9.0, 11.0 })
        {
            double expected = n * (1 - Math.Exp(-Math.Exp(-threshold)));
            Assert.InRange(noise.Count(x => x > threshold) - expected, -4 * Math.Sqrt(expected), 4 * Math.Sqrt(expected));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(5000)]
    [InlineData(10000)]
    public void Noise_is_uncorrelated_with_its_neighbours_in_column_vector_tile_and_row(int lag)
    {
        float[] noise = Rows(new RandomKey(12), rows: 200, columns: 5000);
        double mean = noise.Average(x => (double)x), variance = noise.Average(x => ((double)x - mean) * (x - mean));
        double covariance = Enumerable.Range(0, noise.Length - lag).Average(i => (noise[i] - mean) * (noise[i + lag] - mean));
        Assert.InRange(covariance / variance * Math.Sqrt(noise.Length), -4, 4);
    }

    [Fact]
    public void Steps_and_keys_give_uncorrelated_rows_and_the_same_arguments_the_same_row()
    {
        float[] row = new float[100_000], again = new float[60_001], nextStep = new float[row.Length], otherKey = new float[row.Length];
        GumbelNoise.Fill(new RandomKey(5).Derive(3UL), 8, row);
        GumbelNoise.Fill(new RandomKey(5).Derive(3UL), 8, again);
        Assert.Equal(row[..again.Length], again);
        GumbelNoise.Fill(new RandomKey(5).Derive(4UL), 8, nextStep);
        GumbelNoise.Fill(new RandomKey(6).Derive(3UL), 8, otherKey);
        foreach (float[] other in new[] { nextStep, otherKey })
        {
            double correlation = MathNet.Numerics.Statistics.Correlation.Pearson(row.Select(x => (double)x), other.Select(x => (double)x));
            Assert.InRange(correlation * Math.Sqrt(row.Length), -4, 4);
        }
    }

    [Fact]
    public void Bits_are_the_same_on_every_machine_and_vector_width()
    {
        // Written down on AVX-512; the same under DOTNET_EnableAVX512=0, DOTNET_EnableAVX2=0 and DOTNET_EnableHWIntrinsic=0.
        float[] noise = new float[5003];
        GumbelNoise.Fill(new RandomKey(1).Derive(2UL), 3, noise);
        Assert.Equal(GoldenHash, Hash(noise));
    }

    internal const ulong GoldenHash = 923215230656715476;

    internal static ulong Hash(ReadOnlySpan<float> values)
    {
        ulong hash = 14695981039346656037UL;
        foreach (uint bits in MemoryMarshal.Cast<float, uint>(values))
        {
            hash = (hash ^ bits) * 1099511628211UL;
        }

        return hash;
    }

    internal static uint WordAt(RandomKey key, ulong step, ulong row, int column)
    {
        Philox.Block block = Philox.Generate(key.Derive(step).Value, (16UL * ((ulong)column / 64)) + ((ulong)column % 16), row);
        return (column / 16 % 4) switch { 0 => block.A, 1 => block.B, 2 => block.C, _ => block.D };
    }

    internal static double Gumbel(uint word) => -Math.Log(Exponential(word));

    // -ln u with u = 1 - x, x = (n + 1/2) / 2^31; the series keeps the digits that ln(1 - x) would lose where x is tiny.
    private static double Exponential(uint word)
    {
        double x = ((word >> 1) + 0.5) / (1L << 31);
        return x < 1e-4 ? x * (1 + (x * ((1.0 / 2) + (x * ((1.0 / 3) + (x / 4)))))) : -Math.Log(((int.MaxValue - (word >> 1)) + 0.5) / (1L << 31));
    }

    private static float[] Rows(RandomKey key, int rows, int columns)
    {
        float[] noise = new float[rows * columns];
        for (int row = 0; row < rows; row++)
        {
            GumbelNoise.Fill(key.Derive(0UL), (ulong)row, noise.AsSpan(row * columns, columns));
        }

        return noise;
    }
}
