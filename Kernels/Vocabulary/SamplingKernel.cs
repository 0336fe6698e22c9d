using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GumbelGan.Randomness;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// Draws a token from softmax(logits / temperature) by inverting the row's cumulative distribution at one uniform number. It is exact and costs one
/// exponential a column.
/// </summary>
/// <remarks>V is the vocabulary, the length of every row. The token depends on the logits, the key and the row's number alone.</remarks>
public static unsafe class SamplingKernel
{
    // The search goes by tiles of so many columns, then by columns.
    private const int Tile = 64;

    /// <summary>Draws one token from the uniform number of (<paramref name="stepKey"/>, <paramref name="row"/>).</summary>
    /// <param name="logits">[V]; minus infinity forbids a token.</param>
    /// <param name="scratch">[V], overwritten; may be <paramref name="logits"/>'s own memory.</param>
    /// <param name="temperature">Above zero; divides the logits.</param>
    /// <param name="stepKey">The stream of this step: <c>key.Derive(step)</c>.</param>
    /// <param name="row">Row of the batch.</param>
    /// <returns>The token.</returns>
    /// <exception cref="ArgumentException">The lengths differ or are zero, or the temperature is not positive.</exception>
    /// <exception cref="NotFiniteNumberException">A logit is NaN, or all are minus infinity.</exception>
    public static int SampleByInversion(ReadOnlySpan<float> logits, Span<float> scratch, float temperature, RandomKey stepKey, ulong row)
    {
        if (logits.Length != scratch.Length || logits.Length == 0)
        {
            throw new ArgumentException($"Rows of {logits.Length} and {scratch.Length} columns: they must be equally long and not empty.");
        }

        if (!(temperature > 0f) || float.IsInfinity(temperature))
        {
            throw new ArgumentException($"The temperature is {temperature}; it must be positive and finite.");
        }

        fixed (float* source = logits, exponentials = scratch)
        {
            float largest = SoftmaxKernel.RowMaximum(source, logits.Length);
            _ = SoftmaxKernel.Exponentials(source, exponentials, logits.Length, largest, BinaryLogarithmOfE / temperature);
            return Draw(exponentials, logits.Length, Uniform(stepKey.Value, row)) is var token and >= 0 ? token : throw NoDistribution("row", row);
        }
    }

    /// <summary>Draws a token with probabilities in proportion to the weights; -1 where the weights define no distribution.</summary>
    internal static int Draw(float* weights, int columns, double uniform)
    {
        double total = Total(weights, columns);
        return total > 0 ? Invert(weights, columns, uniform * total) : -1;
    }

    /// <summary>The uniform number of (key, row), of 53 bits: at least 0 and below 1.</summary>
    internal static double Uniform(ulong stepKey, ulong row)
    {
        Philox.Block words = Philox.Generate(stepKey, 0, row);
        return (((ulong)(words.A >> 5) << 26) | (words.B >> 6)) * (1.0 / (1UL << 53));
    }

    /// <summary>
    /// The column at which the cumulative sum passes the target, found tile by tile, then column by column. Where rounding carries the search past
    /// the end, it is the last column above zero.
    /// </summary>
    /// <param name="values">[columns], none negative and one above zero.</param>
    /// <param name="columns">The number of columns.</param>
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

    internal static NotFiniteNumberException NoDistribution(string what, ulong number) =>
        new($"The logits of {what} {number} define no distribution: one is NaN, or all are minus infinity.");

    // In double precision, and in the order in which Invert subtracts.
    private static double Total(float* values, int columns)
    {
        double total = 0;
        int column = 0;
        for (; column <= columns - Tile; column += Tile)
        {
            total += TileSum(values + column);
        }

        for (; column < columns; column++)
        {
            total += values[column];
        }

        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float TileSum(float* values) => Sum(
        (Vector512.Load(values) + Vector512.Load(values + 16)) + (Vector512.Load(values + 32) + Vector512.Load(values + 48)));
}
