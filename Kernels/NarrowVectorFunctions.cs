using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// <see cref="VectorFunctions"/> for processors whose vectors have eight floats: the same operations on both halves, so the same bits. The runtime
/// would emulate <see cref="Vector512"/> there with a function call for each operation.
/// </summary>
internal static class NarrowVectorFunctions
{
    /// <inheritdoc cref="VectorFunctions.PowerOfTwo"/>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector512<float> PowerOfTwo(Vector512<float> t) => Vector512.Create(PowerOfTwo(t.GetLower()), PowerOfTwo(t.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> PowerOfTwo(Vector256<float> t)
    {
        Vector256<float> shifted = t + Vector256.Create(RoundingShift);
        Vector256<float> f = t - (shifted - Vector256.Create(RoundingShift));
        Vector256<float> p = Vector256.Create(0.00132646300402f);
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(0.00967151626708f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(0.0555073400536f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(0.240222420304f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(0.693146977471f));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256<float>.One);
        Vector256<float> result = (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
        return Vector256.AndNot(result, Vector256.LessThan(t, Vector256.Create(-100f)));
    }

    /// <inheritdoc cref="VectorFunctions.Sigmoid"/>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector512<float> Sigmoid(Vector512<float> x) => Vector512.Create(Sigmoid(x.GetLower()), Sigmoid(x.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Sigmoid(Vector256<float> x)
    {
        Vector256<float> e = PowerOfTwo(Vector256.Abs(x) * Vector256.Create(-BinaryLogarithmOfE));
        Vector256<float> numerator = Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256<float>.Zero), e, Vector256<float>.One);
        return numerator / (Vector256<float>.One + e);
    }

    /// <inheritdoc cref="VectorFunctions.HyperbolicTangent"/>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Vector512<float> HyperbolicTangent(Vector512<float> x) =>
        Vector512.Create(HyperbolicTangent(x.GetLower()), HyperbolicTangent(x.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> HyperbolicTangent(Vector256<float> x)
    {
        Vector256<float> magnitude = Vector256.Abs(x);
        Vector256<float> e = PowerOfTwo(magnitude * Vector256.Create(-2f * BinaryLogarithmOfE));
        Vector256<float> large = (Vector256<float>.One - e) / (Vector256<float>.One + e);
        large |= x & Vector256.Create(-0f);
        Vector256<float> square = x * x;
        Vector256<float> q = Vector256.Create(-0.00570498947021f);
        q = Vector256.FusedMultiplyAdd(q, square, Vector256.Create(0.0206390895239f));
        q = Vector256.FusedMultiplyAdd(q, square, Vector256.Create(-0.0537397157987f));
        q = Vector256.FusedMultiplyAdd(q, square, Vector256.Create(0.133314422068f));
        q = Vector256.FusedMultiplyAdd(q, square, Vector256.Create(-0.333332819423f));
        Vector256<float> small = Vector256.FusedMultiplyAdd(q, square * x, x);
        return Vector256.ConditionalSelect(Vector256.LessThan(magnitude, Vector256.Create(0.625f)), small, large);
    }

    /// <summary>The part of <see cref="SoftmaxKernel.Exponentials"/> that takes 32 columns at a time; adds to the two sums.</summary>
    /// <returns>How many columns are done.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe int Exponentials(float* values, float* destination, int columns, float largest, float rate, ref Vector512<float> sumA,
        ref Vector512<float> sumB)
    {
        Vector256<float> shift = Vector256.Create(largest), scale = Vector256.Create(rate);
        Vector256<float> lowerA = sumA.GetLower(), upperA = sumA.GetUpper(), lowerB = sumB.GetLower(), upperB = sumB.GetUpper();
        int column = 0;
        for (; column <= columns - (2 * Lanes); column += 2 * Lanes)
        {
            lowerA += Exponential(values + column, destination + column, shift, scale);
            upperA += Exponential(values + column + 8, destination + column + 8, shift, scale);
            lowerB += Exponential(values + column + 16, destination + column + 16, shift, scale);
            upperB += Exponential(values + column + 24, destination + column + 24, shift, scale);
        }

        (sumA, sumB) = (Vector512.Create(lowerA, upperA), Vector512.Create(lowerB, upperB));
        return column;
    }

    /// <summary>values += addends; returns the maximum of each of sixteen lanes.</summary>
    /// <param name="values">[columns].</param>
    /// <param name="addends">[columns].</param>
    /// <param name="columns">A multiple of sixteen.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe Vector512<float> AddAndFindLargest(float* values, float* addends, int columns)
    {
        Vector256<float> lower = Vector256.Create(float.NegativeInfinity), upper = lower;
        for (int column = 0; column < columns; column += Lanes)
        {
            Vector256<float> a = Vector256.Load(values + column) + Vector256.Load(addends + column),
                b = Vector256.Load(values + column + 8) + Vector256.Load(addends + column + 8);
            a.Store(values + column);
            b.Store(values + column + 8);
            (lower, upper) = (Vector256.MaxNative(lower, a), Vector256.MaxNative(upper, b));
        }

        return Vector512.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<float> Exponential(float* value, float* destination, Vector256<float> shift, Vector256<float> scale)
    {
        Vector256<float> result = PowerOfTwo((Vector256.Load(value) - shift) * scale);
        result.Store(destination);
        return result;
    }
}
