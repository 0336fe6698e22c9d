using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GumbelGan.Randomness;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// One row of the Gumbel-Softmax relaxation, y = softmax((logits + g) / temperature), noise drawn while the row is in cache
/// (Jang et al. 2017, equation 2; Maddison et al. 2017), and its gradient.
/// </summary>
/// <remarks>
/// <para>V is the vocabulary, the length of every row here. The noise is <see cref="GumbelNoise"/> of (key, row), so a row's result
/// depends on nothing but its arguments. Sums run over sixteen lanes in a fixed order on every machine.</para>
/// <para>The row is finite for every temperature from 0.01 to 1000 and logits up to 1e4 in size: the maximum is subtracted before the
/// division by the temperature. A token whose probability is below 2^-100 of the largest gets exactly zero.</para>
/// </remarks>
public static unsafe class GumbelSoftmaxKernel
{
    // Noise is drawn for so many columns at a time: 4 KB, which leave room in the first-level cache for the row itself.
    internal const int BlockColumns = 16 * GumbelNoise.TileColumns;

    /// <summary>Draws a relaxed one-hot row.</summary>
    /// <param name="logits">[V].</param>
    /// <param name="relaxed">[V], receives y; may be <paramref name="logits"/> itself.</param>
    /// <param name="temperature">Above zero.</param>
    /// <param name="stepKey">The noise of this step: <c>key.Derive(step)</c>.</param>
    /// <param name="row">Row of the batch, as <see cref="GumbelNoise"/> counts them.</param>
    /// <returns>The column of the largest y: an exact draw from softmax(logits), the token of the straight-through estimator.</returns>
    /// <exception cref="ArgumentException">The lengths differ or are zero, or the temperature is not positive.</exception>
    public static int Forward(ReadOnlySpan<float> logits, Span<float> relaxed, float temperature, RandomKey stepKey, ulong row)
    {
        Check(logits.Length, relaxed.Length, temperature);
        fixed (float* source = logits, destination = relaxed)
        {
            return Forward(source, destination, logits.Length, temperature, stepKey.Value, row);
        }
    }

    /// <summary>The same row without noise: y = softmax(logits / temperature).</summary>
    /// <param name="logits">[V].</param>
    /// <param name="probabilities">[V], receives y; may be <paramref name="logits"/> itself.</param>
    /// <param name="temperature">Above zero.</param>
    /// <returns>The column of the largest y, the first of equals.</returns>
    /// <exception cref="ArgumentException">The lengths differ or are zero, or the temperature is not positive.</exception>
    public static int ForwardWithoutNoise(ReadOnlySpan<float> logits, Span<float> probabilities, float temperature)
    {
        Check(logits.Length, probabilities.Length, temperature);
        fixed (float* source = logits, destination = probabilities)
        {
            return ForwardWithoutNoise(source, destination, logits.Length, temperature);
        }
    }

    /// <summary>
    /// The gradient with respect to the logits, y * (dy - (dy . y)) / temperature. With <paramref name="relaxed"/> the soft row it serves
    /// the straight-through estimator too, whose backward is by definition the soft one's.
    /// </summary>
    /// <param name="relaxed">[V], what the forward pass wrote.</param>
    /// <param name="gradient">[V], the gradient with respect to y.</param>
    /// <param name="logitGradient">[V], receives the result; may be <paramref name="gradient"/> itself.</param>
    /// <param name="temperature">That of the forward pass.</param>
    /// <exception cref="ArgumentException">The lengths differ or are zero, or the temperature is not positive.</exception>
    public static void Backward(ReadOnlySpan<float> relaxed, ReadOnlySpan<float> gradient, Span<float> logitGradient, float temperature)
    {
        Check(relaxed.Length, gradient.Length, temperature);
        Check(relaxed.Length, logitGradient.Length, temperature);
        fixed (float* y = relaxed, dy = gradient, destination = logitGradient)
        {
            Backward(y, dy, destination, relaxed.Length, temperature);
        }
    }

    /// <summary>Rows 0 .. <paramref name="rows"/> - 1 of a batch, shared among the threads of <paramref name="parallel"/>.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="logits">[rows, V], contiguous.</param>
    /// <param name="relaxed">[rows, V], contiguous; may be <paramref name="logits"/> itself.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">V.</param>
    /// <param name="temperature">Above zero.</param>
    /// <param name="stepKey">The noise of this step, or null for none.</param>
    /// <param name="firstRow">Number of the first row, for <see cref="GumbelNoise"/>.</param>
    /// <param name="tokens">[rows], receives each row's largest column; or null.</param>
    /// <param name="finished">[rows], nonzero where the sequence has ended: that row becomes one-hot(<paramref name="padding"/>); or null.</param>
    /// <param name="padding">The token of a finished row.</param>
    /// <exception cref="ArgumentException">A size or the temperature is not positive, or padding is no column.</exception>
    public static void Forward(
        RowParallel parallel, float* logits, float* relaxed, int rows, int columns, float temperature, RandomKey? stepKey, ulong firstRow = 0,
        int* tokens = null, byte* finished = null, int padding = 0)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(columns, columns, temperature);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)padding, (uint)columns, nameof(padding));
        parallel.For(rows, RowParallel.RowsWorthSharing(columns), (first, end) =>
        {
            for (int row = first; row < end; row++)
            {
                float* source = logits + ((nint)row * columns), destination = relaxed + ((nint)row * columns);
                int token = padding;
                if (finished != null && finished[row] != 0)
                {
                    WriteOneHot(destination, columns, padding);
                }
                else
                {
                    token = stepKey is { } key
                        ? Forward(source, destination, columns, temperature, key.Value, firstRow + (ulong)row)
                        : ForwardWithoutNoise(source, destination, columns, temperature);
                }

                if (tokens != null)
                {
                    tokens[row] = token;
                }
            }
        });
    }

    /// <summary>The gradient of a batch of rows; exactly zero for finished ones.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="relaxed">[rows, V], what the forward pass wrote.</param>
    /// <param name="gradient">[rows, V], with respect to the relaxed rows.</param>
    /// <param name="logitGradient">[rows, V], receives the result; may be <paramref name="gradient"/> itself.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="columns">V.</param>
    /// <param name="temperature">That of the forward pass.</param>
    /// <param name="finished">[rows], as in the forward pass, or null.</param>
    /// <exception cref="ArgumentException">A size or the temperature is not positive.</exception>
    public static void Backward(
        RowParallel parallel, float* relaxed, float* gradient, float* logitGradient, int rows, int columns, float temperature, byte* finished = null)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(columns, columns, temperature);
        parallel.For(rows, RowParallel.RowsWorthSharing(columns), (first, end) =>
        {
            for (int row = first; row < end; row++)
            {
                nint offset = (nint)row * columns;
                if (finished != null && finished[row] != 0)
                {
                    new Span<float>(logitGradient + offset, columns).Clear();
                }
                else
                {
                    Backward(relaxed + offset, gradient + offset, logitGradient + offset, columns, temperature);
                }
            }
        });
    }

    /// <summary>Writes zeros and a single one.</summary>
    /// <param name="row">[columns].</param>
    /// <param name="columns">V.</param>
    /// <param name="token">The column of the one.</param>
    public static void WriteOneHot(float* row, int columns, int token)
    {
        new Span<float>(row, columns).Clear();
        row[token] = 1f;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Forward(float* logits, float* relaxed, int columns, float temperature, ulong stepKey, ulong row)
    {
        float largest = Perturb(logits, relaxed, columns, stepKey, row);
        int token = IndexOf(relaxed, columns, largest);
        NormaliseExponentials(relaxed, relaxed, columns, largest, temperature);
        return token;
    }

    /// <summary>Writes logits + noise and returns the largest.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Perturb(float* logits, float* perturbed, int columns, ulong stepKey, ulong row)
    {
        float* noise = stackalloc float[BlockColumns];
        Vector512<float> maximum = Vector512.Create(float.NegativeInfinity);
        for (int start = 0; start < columns; start += BlockColumns)
        {
            int count = Math.Min(BlockColumns, columns - start), tiles = (count + GumbelNoise.TileColumns - 1) / GumbelNoise.TileColumns;
            GumbelNoise.FillExponential(stepKey, (ulong)(start / GumbelNoise.TileColumns), row, noise, tiles);
            float* source = logits + start, destination = perturbed + start;
            int column = 0;
            for (; column <= count - (2 * Lanes); column += 2 * Lanes)
            {
                Vector512<float> a = Vector512.Load(source + column) + GumbelNoise.NegativeLogarithm(Vector512.Load(noise + column));
                Vector512<float> b = Vector512.Load(source + column + Lanes) + GumbelNoise.NegativeLogarithm(Vector512.Load(noise + column + Lanes));
                a.Store(destination + column);
                b.Store(destination + column + Lanes);
                maximum = Vector512.MaxNative(maximum, Vector512.MaxNative(a, b));
            }

            if (column <= count - Lanes)
            {
                Vector512<float> a = Vector512.Load(source + column) + GumbelNoise.NegativeLogarithm(Vector512.Load(noise + column));
                a.Store(destination + column);
                maximum = Vector512.MaxNative(maximum, a);
                column += Lanes;
            }

            if (column < count)
            {
                Vector512<float> a = LoadPart(source + column, count - column, float.NegativeInfinity)
                    + GumbelNoise.NegativeLogarithm(Vector512.Load(noise + column));
                StorePart(a, destination + column, count - column);
                maximum = Vector512.MaxNative(maximum, a);
            }
        }

        return Maximum(maximum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int ForwardWithoutNoise(float* logits, float* probabilities, int columns, float temperature)
    {
        float largest = RowMaximum(logits, columns);
        int token = IndexOf(logits, columns, largest);
        NormaliseExponentials(logits, probabilities, columns, largest, temperature);
        return token;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float RowMaximum(float* values, int columns)
    {
        Vector512<float> a = Vector512.Create(float.NegativeInfinity), b = a;
        int column = 0;
        for (; column <= columns - (2 * Lanes); column += 2 * Lanes)
        {
            a = Vector512.MaxNative(a, Vector512.Load(values + column));
            b = Vector512.MaxNative(b, Vector512.Load(values + column + Lanes));
        }

        if (column <= columns - Lanes)
        {
            a = Vector512.MaxNative(a, Vector512.Load(values + column));
            column += Lanes;
        }

        if (column < columns)
        {
            b = Vector512.MaxNative(b, LoadPart(values + column, columns - column, float.NegativeInfinity));
        }

        return Maximum(Vector512.MaxNative(a, b));
    }

    /// <summary>The first column that holds <paramref name="value"/>; 0 where none does (a row with NaN).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int IndexOf(float* values, int columns, float value)
    {
        // Span.IndexOf compares floats one at a time.
        Vector256<float> wanted = Vector256.Create(value);
        int column = 0;
        for (; column <= columns - Vector256<float>.Count; column += Vector256<float>.Count)
        {
            uint matches = Vector256.Equals(Vector256.Load(values + column), wanted).ExtractMostSignificantBits();
            if (matches != 0)
            {
                return column + BitOperations.TrailingZeroCount(matches);
            }
        }

        for (; column < columns; column++)
        {
            if (values[column] == value)
            {
                return column;
            }
        }

        return 0;
    }

    private static void NormaliseExponentials(float* values, float* destination, int columns, float largest, float temperature)
    {
        float sum = Exponentials(values, destination, columns, largest, BinaryLogarithmOfE / temperature);
        Scale(destination, columns, 1f / sum);
    }

    /// <summary>Writes 2^((value - largest) * rate) and returns the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Exponentials(float* values, float* destination, int columns, float largest, float rate)
    {
        Vector512<float> shift = Vector512.Create(largest), scale = Vector512.Create(rate);
        Vector512<float> sumA = Vector512<float>.Zero, sumB = sumA;
        int column = 0;
        if (!Vector512.IsHardwareAccelerated)
        {
            column = NarrowVectorFunctions.Exponentials(values, destination, columns, largest, rate, ref sumA, ref sumB);
        }

        for (; column <= columns - (2 * Lanes); column += 2 * Lanes)
        {
            Vector512<float> a = PowerOfTwo((Vector512.Load(values + column) - shift) * scale);
            Vector512<float> b = PowerOfTwo((Vector512.Load(values + column + Lanes) - shift) * scale);
            a.Store(destination + column);
            b.Store(destination + column + Lanes);
            sumA += a;
            sumB += b;
        }

        if (column <= columns - Lanes)
        {
            Vector512<float> a = PowerOfTwo((Vector512.Load(values + column) - shift) * scale);
            a.Store(destination + column);
            sumA += a;
            column += Lanes;
        }

        if (column < columns)
        {
            Vector512<float> b = PowerOfTwo((LoadPart(values + column, columns - column, float.NegativeInfinity) - shift) * scale);
            StorePart(b, destination + column, columns - column);
            sumB += b;
        }

        return Sum(sumA + sumB);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Scale(float* values, int columns, float factor)
    {
        Vector512<float> scale = Vector512.Create(factor);
        int column = 0;
        for (; column <= columns - Lanes; column += Lanes)
        {
            (Vector512.Load(values + column) * scale).Store(values + column);
        }

        if (column < columns)
        {
            StorePart(LoadPart(values + column, columns - column, 0f) * scale, values + column, columns - column);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Backward(float* relaxed, float* gradient, float* logitGradient, int columns, float temperature)
    {
        Vector512<float> sumA = Vector512<float>.Zero, sumB = sumA;
        int column = 0;
        for (; column <= columns - (2 * Lanes); column += 2 * Lanes)
        {
            sumA = Vector512.FusedMultiplyAdd(Vector512.Load(relaxed + column), Vector512.Load(gradient + column), sumA);
            sumB = Vector512.FusedMultiplyAdd(Vector512.Load(relaxed + column + Lanes), Vector512.Load(gradient + column + Lanes), sumB);
        }

        for (; column < columns; column += Lanes)
        {
            int count = Math.Min(Lanes, columns - column);
            sumA = count == Lanes
                ? Vector512.FusedMultiplyAdd(Vector512.Load(relaxed + column), Vector512.Load(gradient + column), sumA)
                : Vector512.FusedMultiplyAdd(LoadPart(relaxed + column, count, 0f), LoadPart(gradient + column, count, 0f), sumA);
        }

        Vector512<float> mean = Vector512.Create(Sum(sumA + sumB)), scale = Vector512.Create(1f / temperature);
        column = 0;
        for (; column <= columns - Lanes; column += Lanes)
        {
            Vector512<float> centred = Vector512.Load(gradient + column) - mean;
            (Vector512.Load(relaxed + column) * centred * scale).Store(logitGradient + column);
        }

        if (column < columns)
        {
            int count = columns - column;
            Vector512<float> centred = LoadPart(gradient + column, count, 0f) - mean;
            StorePart(LoadPart(relaxed + column, count, 0f) * centred * scale, logitGradient + column, count);
        }
    }

    internal static void Check(int length, int otherLength, float temperature)
    {
        if (length != otherLength || length <= 0)
        {
            throw new ArgumentException($"Rows of {length} and {otherLength} columns: they must be equally long and not empty.");
        }

        if (!(temperature > 0f) || float.IsInfinity(temperature))
        {
            throw new ArgumentException($"The temperature is {temperature}; it must be positive and finite.");
        }
    }
}
