using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GumbelGan.Randomness;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// Draws a token from softmax(logits / temperature): by one uniform number and the cumulative sum of the row, or as the largest of the
/// logits perturbed by Gumbel noise. Both are exact; the first needs one exponential a column, the second two logarithms and a word.
/// </summary>
/// <remarks>V is the vocabulary, the length of every row. Only (key, row) and the logits decide the token.</remarks>
public static unsafe class SamplingKernel
{
    /// <summary>Draws one token by the inverse of the cumulative distribution, from the uniform of (<paramref name="stepKey"/>, <paramref name="row"/>).</summary>
    /// <param name="logits">[V]; minus infinity forbids a token.</param>
    /// <param name="scratch">[V], overwritten; may be <paramref name="logits"/>'s own memory.</param>
    /// <param name="temperature">Above zero; divides the logits.</param>
    /// <param name="stepKey">The stream of this step: <c>key.Derive(step)</c>.</param>
    /// <param name="row">Row of the batch.</param>
    /// <returns>The token.</returns>
    /// <exception cref="ArgumentException">The lengths differ or are zero, or the temperature is not positive.</exception>
    /// <exception cref="ArithmeticException">A logit is NaN, or all are minus infinity.</exception>
    public static int SampleByInversion(ReadOnlySpan<float> logits, Span<float> scratch, float temperature, RandomKey stepKey, ulong row)
    {
        GumbelSoftmaxKernel.Check(logits.Length, scratch.Length, temperature);
        fixed (float* source = logits, exponentials = scratch)
        {
            return SampleByInversion(source, exponentials, logits.Length, temperature, stepKey.Value, row);
        }
    }

    /// <summary>Draws one token as the largest of logits / temperature + <see cref="GumbelNoise"/>.</summary>
    /// <param name="logits">[V]; minus infinity forbids a token.</param>
    /// <param name="temperature">Above zero; divides the logits, not the noise.</param>
    /// <param name="stepKey">The noise of this step: <c>key.Derive(step)</c>.</param>
    /// <param name="row">Row of the batch.</param>
    /// <returns>The token; at temperature 1 the one that <see cref="GumbelSoftmaxKernel"/> reports for the same key and row.</returns>
    /// <exception cref="ArgumentException">The row is empty or the temperature is not positive.</exception>
    /// <exception cref="ArithmeticException">All logits are NaN or minus infinity.</exception>
    public static int SampleByGumbelMax(ReadOnlySpan<float> logits, float temperature, RandomKey stepKey, ulong row)
    {
        GumbelSoftmaxKernel.Check(logits.Length, logits.Length, temperature);
        fixed (float* source = logits)
        {
            return SampleByGumbelMax(source, logits.Length, temperature, stepKey.Value, row);
        }
    }

    /// <summary>Draws one token for each row of a batch, by inversion.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="logits">[rows, V], contiguous; overwritten.</param>
    /// <param name="tokens">[rows], receives the tokens.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">V.</param>
    /// <param name="temperature">Above zero.</param>
    /// <param name="stepKey">The stream of this step.</param>
    /// <param name="firstRow">Number of the first row.</param>
    /// <exception cref="ArgumentException">V or the temperature is not positive.</exception>
    public static void Sample(
        RowParallel parallel, float* logits, long* tokens, int rows, int columns, float temperature, RandomKey stepKey, ulong firstRow = 0)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        GumbelSoftmaxKernel.Check(columns, columns, temperature);
        parallel.For(rows, RowParallel.RowsWorthSharing(columns), (first, end) =>
        {
            for (int row = first; row < end; row++)
            {
                float* source = logits + ((nint)row * columns);
                tokens[row] = SampleByInversion(source, source, columns, temperature, stepKey.Value, firstRow + (ulong)row);
            }
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int SampleByInversion(float* logits, float* exponentials, int columns, float temperature, ulong stepKey, ulong row)
    {
        float largest = GumbelSoftmaxKernel.RowMaximum(logits, columns);
        _ = GumbelSoftmaxKernel.Exponentials(logits, exponentials, columns, largest, BinaryLogarithmOfE / temperature);
        Philox.Block words = Philox.Generate(stepKey, 0, row);
        double uniform = (((ulong)(words.A >> 5) << 26) | (words.B >> 6)) * (1.0 / (1UL << 53));
        double total = BlockSums(exponentials, columns, double.PositiveInfinity, out _);
        if (!(total > 0))
        {
            throw NoDistribution(row);
        }

        double target = uniform * total;
        double before = BlockSums(exponentials, columns, target, out int column);
        // The one block in which the cumulative sum passes the target, column by column; the last possible token should rounding get past it.
        int last = 0;
        for (; column < columns; column++)
        {
            if (exponentials[column] > 0f)
            {
                before += exponentials[column];
                last = column;
                if (before > target)
                {
                    return column;
                }
            }
        }

        return last == 0 ? LastPossible(exponentials, columns) : last;
    }

    // The sum of 64-column blocks until the next one would pass the limit; where that block begins.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double BlockSums(float* exponentials, int columns, double limit, out int blockStart)
    {
        double sum = 0;
        int column = 0;
        for (; column <= columns - 64; column += 64)
        {
            double next = sum + VectorFunctions.Sum(
                (Vector512.Load(exponentials + column) + Vector512.Load(exponentials + column + 16))
                + (Vector512.Load(exponentials + column + 32) + Vector512.Load(exponentials + column + 48)));
            if (next > limit)
            {
                blockStart = column;
                return sum;
            }

            sum = next;
        }

        blockStart = column;
        if (double.IsPositiveInfinity(limit))
        {
            for (; column < columns; column++)
            {
                sum += exponentials[column];
            }
        }

        return sum;
    }

    private static int LastPossible(float* exponentials, int columns)
    {
        int column = columns - 1;
        while (column > 0 && !(exponentials[column] > 0f))
        {
            column--;
        }

        return column;
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int SampleByGumbelMax(float* logits, int columns, float temperature, ulong stepKey, ulong row)
    {
        float* noise = stackalloc float[GumbelSoftmaxKernel.BlockColumns];
        Vector512<float> rate = Vector512.Create(1f / temperature);
        Vector512<float> best = Vector512.Create(float.NegativeInfinity);
        Vector512<int> bestColumn = Vector512<int>.Zero;
        Vector512<int> lanes = Vector512.Create(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        for (int start = 0; start < columns; start += GumbelSoftmaxKernel.BlockColumns)
        {
            int count = Math.Min(GumbelSoftmaxKernel.BlockColumns, columns - start);
            GumbelNoise.FillExponential(
                stepKey, (ulong)(start / GumbelNoise.TileColumns), row, noise, (count + GumbelNoise.TileColumns - 1) / GumbelNoise.TileColumns);
            for (int column = 0; column < count; column += Lanes)
            {
                Vector512<float> logit = count - column >= Lanes
                    ? Vector512.Load(logits + start + column)
                    : LoadPart(logits + start + column, count - column, float.NegativeInfinity);
                Vector512<float> perturbed = Vector512.FusedMultiplyAdd(logit, rate, GumbelNoise.NegativeLogarithm(Vector512.Load(noise + column)));
                Vector512<float> better = Vector512.GreaterThan(perturbed, best);
                bestColumn = Vector512.ConditionalSelect(better.AsInt32(), lanes + Vector512.Create(start + column), bestColumn);
                best = Vector512.ConditionalSelect(better, perturbed, best);
            }
        }

        float largest = Maximum(best);
        int token = int.MaxValue;
        for (int lane = 0; lane < Lanes; lane++)
        {
            if (best[lane] == largest)
            {
                token = Math.Min(token, bestColumn[lane]);
            }
        }

        return token < int.MaxValue && largest > float.NegativeInfinity ? token : throw NoDistribution(row);
    }

    private static ArithmeticException NoDistribution(ulong row) =>
        new($"The logits of row {row} define no distribution: one is NaN, or all are minus infinity.");
}
