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
    // Columns that are summed at once on the way to the one that is drawn.
    private const int Tile = 64;

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

    internal static int SampleByInversion(float* logits, float* exponentials, int columns, float temperature, ulong stepKey, ulong row)
    {
        float largest = GumbelSoftmaxKernel.RowMaximum(logits, columns);
        _ = GumbelSoftmaxKernel.Exponentials(logits, exponentials, columns, largest, BinaryLogarithmOfE / temperature);
        double total = 0;
        int column = 0;
        for (; column <= columns - Tile; column += Tile)
        {
            total += TileSum(exponentials + column);
        }

        for (; column < columns; column++)
        {
            total += exponentials[column];
        }

        return total > 0 ? Invert(exponentials, columns, Uniform(stepKey, row) * total) : throw NoDistribution("row", row);
    }

    /// <summary>The uniform number of (key, row), of 53 bits: at least 0 and below 1.</summary>
    internal static double Uniform(ulong stepKey, ulong row)
    {
        Philox.Block words = Philox.Generate(stepKey, 0, row);
        return (((ulong)(words.A >> 5) << 26) | (words.B >> 6)) * (1.0 / (1UL << 53));
    }

    /// <summary>
    /// The column at which the cumulative sum passes the target: tile by tile, then column by column; the last possible one should rounding
    /// get past it.
    /// </summary>
    /// <param name="values">[columns], none negative and one above zero.</param>
    /// <param name="columns">Any number.</param>
    /// <param name="target">At least 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Invert(float* values, int columns, double target)
    {
        int start = 0;
        for (; start < columns - Tile; start += Tile)
        {
            double sum = TileSum(values + start);
            if (target < sum)
            {
                break;
            }

            target -= sum;
        }

        int last = -1;
        for (int column = start; column < columns; column++)
        {
            if (values[column] > 0f)
            {
                last = column;
                target -= values[column];
                if (target < 0)
                {
                    return column;
                }
            }
        }

        for (int column = start; last < 0; column--)
        {
            last = values[column] > 0f ? column : -1;
        }

        return last;
    }

    internal static ArithmeticException NoDistribution(string what, ulong number) =>
        new($"The logits of {what} {number} define no distribution: one is NaN, or all are minus infinity.");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float TileSum(float* values) => Sum(
        (Vector512.Load(values) + Vector512.Load(values + 16)) + (Vector512.Load(values + 32) + Vector512.Load(values + 48)));

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

        return token < int.MaxValue && largest > float.NegativeInfinity ? token : throw NoDistribution("row", row);
    }
}
