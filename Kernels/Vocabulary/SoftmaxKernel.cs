using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>The parts of a softmax over a row or a piece of one: its maximum, the column of that, and the exponentials relative to it.</summary>
/// <remarks>
/// Sums run over sixteen lanes in a fixed order on every machine. The maximum is subtracted before the division by the temperature, so that
/// temperatures from 0.01 to 1000 and logits up to 1e4 in size give finite numbers. Entries below 2^-100 of the largest become exactly zero.
/// </remarks>
internal static unsafe class SoftmaxKernel
{
    /// <summary>The largest of [columns].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float RowMaximum(float* values, int columns)
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
    public static int IndexOf(float* values, int columns, float value)
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

    /// <summary>Writes 2^((value - largest) * rate) and returns the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exponentials(float* values, float* destination, int columns, float largest, float rate)
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
}
