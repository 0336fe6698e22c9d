using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed class SamplingKernelTests
{
    private const int Draws = 300_000;

    [Fact]
    public void Token_frequencies_agree_with_softmax_by_chi_square()
    {
        var random = new RandomStream(new RandomKey(1));
        foreach ((int columns, float temperature) in new[] { (2, 1f), (7, 0.5f), (30, 1f), (150, 2f) })
        {
            float[] logits = Reference.Normal(random, columns, 1.5);
            int[] counts = new int[columns];
            foreach (int token in Draw(logits, temperature, Draws, new RandomKey((ulong)columns)))
            {
                counts[token]++;
            }

            Reference.AssertChiSquare(Reference.Softmax([.. logits.Select(l => (double)l)], temperature), counts);
        }
    }

    [Fact]
    public void Successive_rows_and_steps_are_independent_by_chi_square_of_pairs_and_a_runs_count()
    {
        float[] logits = [0f, 0.5f, -0.5f, 1f];
        double[] probabilities = Reference.Softmax([.. logits.Select(l => (double)l)], 1);
        double[] pairs = [.. probabilities.SelectMany(p => probabilities.Select(q => p * q))];
        int[] byRow = Draw(logits, 1f, Draws, new RandomKey(3));
        int[] byStep = new int[Draws];
        for (int step = 0; step < Draws; step++)
        {
            byStep[step] = Draw(logits, 1f, 1, new RandomKey(4).Derive((ulong)step))[0];
        }

        foreach (int[] tokens in new[] { byRow, byStep })
        {
            foreach (int lag in new[] { 1, 2, 16, 64 })
            {
                // Pairs that do not overlap, so that the counts are multinomial.
                int[] counts = new int[16];
                for (int i = 0; i + lag < tokens.Length; i += 2 * lag)
                {
                    for (int j = i; j < i + lag && j + lag < tokens.Length; j++)
                    {
                        counts[(4 * tokens[j]) + tokens[j + lag]]++;
                    }
                }

                Reference.AssertChiSquare(pairs, counts);
            }

            double same = probabilities.Sum(p => p * p), repeats = Enumerable.Range(1, Draws - 1).Count(i => tokens[i] == tokens[i - 1]);
            Assert.InRange((repeats - (same * (Draws - 1))) / Math.Sqrt(same * (1 - same) * Draws), -5, 5);
        }
    }

    [Fact]
    public void Inversion_picks_the_column_where_the_double_precision_cumulative_sum_passes_the_uniform()
    {
        var random = new RandomStream(new RandomKey(5));
        foreach (int columns in new[] { 1, 3, 63, 64, 65, 200, 5003 })
        {
            float[] logits = Reference.Normal(random, columns, 2);
            double[] probabilities = Reference.Softmax([.. logits.Select(l => (double)l)], 1);
            for (ulong row = 0; row < 300; row++)
            {
                int token = SamplingKernel.SampleByInversion(logits, new float[columns], 1f, new RandomKey(6), row);
                Philox.Block words = Philox.Generate(6, 0, row);
                double uniform = ((ulong)(words.A >> 5) * 67108864.0 + (words.B >> 6)) / 9007199254740992.0;
                double below = probabilities[..token].Sum();
                Assert.InRange(uniform, below - 2e-6, below + probabilities[token] + 2e-6);
            }
        }
    }

    [Fact]
    public void Forbidden_tokens_are_never_drawn_and_rows_without_a_distribution_are_refused()
    {
        float[] logits = [.. Enumerable.Range(0, 70).Select(i => i is 5 or 68 ? 0f : float.NegativeInfinity)];
        int[] tokens = Draw(logits, 1f, 1000, new RandomKey(9));
        Assert.Equal([5, 68], tokens.Distinct().Order());
        Assert.Throws<NotFiniteNumberException>(() => Draw([float.NegativeInfinity, float.NegativeInfinity], 1f, 1, new RandomKey(9)));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(-1f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Temperatures_that_make_no_sense_are_refused(float temperature) =>
        Assert.Throws<ArgumentException>(() => SamplingKernel.SampleByInversion(new float[3], new float[3], temperature, new RandomKey(1), 0));

    private static int[] Draw(float[] logits, float temperature, int rows, RandomKey stepKey)
    {
        float[] scratch = new float[logits.Length];
        int[] tokens = new int[rows];
        for (int row = 0; row < rows; row++)
        {
            tokens[row] = SamplingKernel.SampleByInversion(logits, scratch, temperature, stepKey, (ulong)row);
        }

        return tokens;
    }
}
