using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GumbelGan.Kernels;

/// <summary>
/// Elementary functions on sixteen floats, and loads and stores of the last part of a row. They consist of additions, multiplications, divisions and
/// fused multiply-adds, which are correctly rounded, so that the bits are the same on every machine.
/// </summary>
internal static class VectorFunctions
{
    /// <summary>Floats in a vector.</summary>
    public const int Lanes = 16;

    /// <summary>1 / ln 2.</summary>
    public const float BinaryLogarithmOfE = 1.44269504089f;

    // 1.5 * 2^23: adding it rounds a float to an integer, which then lies in the low bits of the sum.
    internal const float RoundingShift = 12582912f;

    /// <summary>
    /// 2^t for t at most 127, relative error at most 2e-7; exactly zero below t = -100, so that no denormal ever appears. NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> PowerOfTwo(Vector512<float> t)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            return NarrowVectorFunctions.PowerOfTwo(t);
        }

        Vector512<float> shifted = t + Vector512.Create(RoundingShift);
        Vector512<float> f = t - (shifted - Vector512.Create(RoundingShift));
        // 2^f = 1 + f Q(f), Q the minimax polynomial on [-1/2, 1/2]; relative error 9.2e-8.
        Vector512<float> p = Vector512.Create(0.00132646300402f);
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(0.00967151626708f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(0.0555073400536f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(0.240222420304f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(0.693146977471f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512<float>.One);
        Vector512<float> result = (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
        return Vector512.AndNot(result, Vector512.LessThan(t, Vector512.Create(-100f)));
    }

    /// <summary>The logistic function 1 / (1 + e^-x), relative error at most 1e-6 where it is above 1e-30.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(Vector512<float> x)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            return NarrowVectorFunctions.Sigmoid(x);
        }

        // Through e^-|x|, which cannot overflow: 1 / (1 + e) where x is positive, e / (1 + e) where negative.
        Vector512<float> e = PowerOfTwo(Vector512.Abs(x) * Vector512.Create(-BinaryLogarithmOfE));
        Vector512<float> numerator = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), e, Vector512<float>.One);
        return numerator / (Vector512<float>.One + e);
    }

    /// <summary>The hyperbolic tangent, relative error at most 5e-7 for every x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> HyperbolicTangent(Vector512<float> x)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            return NarrowVectorFunctions.HyperbolicTangent(x);
        }

        Vector512<float> magnitude = Vector512.Abs(x);
        Vector512<float> e = PowerOfTwo(magnitude * Vector512.Create(-2f * BinaryLogarithmOfE));
        Vector512<float> large = (Vector512<float>.One - e) / (Vector512<float>.One + e);
        large |= x & Vector512.Create(-0f);

        // Below 0.625 that difference would lose digits. There tanh is x + x^3 Q(x^2), Q the minimax polynomial; relative error 4.4e-9.
        Vector512<float> square = x * x;
        Vector512<float> q = Vector512.Create(-0.00570498947021f);
        q = Vector512.FusedMultiplyAdd(q, square, Vector512.Create(0.0206390895239f));
        q = Vector512.FusedMultiplyAdd(q, square, Vector512.Create(-0.0537397157987f));
        q = Vector512.FusedMultiplyAdd(q, square, Vector512.Create(0.133314422068f));
        q = Vector512.FusedMultiplyAdd(q, square, Vector512.Create(-0.333332819423f));
        Vector512<float> small = Vector512.FusedMultiplyAdd(q, square * x, x);
        return Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512.Create(0.625f)), small, large);
    }

    /// <summary>The <paramref name="count"/> floats at <paramref name="source"/> (1 to 16), zeros in the other lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<float> Load(float* source, int count) => count == Lanes ? Vector512.Load(source) : LoadPart(source, count, 0f);

    /// <summary>Writes the first <paramref name="count"/> lanes (1 to 16) and touches nothing beyond them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store(Vector512<float> value, float* destination, int count)
    {
        if (count == Lanes)
        {
            value.Store(destination);
        }
        else
        {
            StorePart(value, destination, count);
        }
    }

    /// <summary>The first <paramref name="count"/> floats at <paramref name="source"/> (1 to 15), the other lanes <paramref name="fill"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<float> LoadPart(float* source, int count, float fill)
    {
        Vector512<float> filling = Vector512.Create(fill);
        if (Avx512F.IsSupported)
        {
            return Avx512F.MaskLoad(source, LowerLanes(count), filling);
        }

        float* lanes = stackalloc float[Lanes];
        filling.Store(lanes);
        new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(lanes, Lanes));
        return Vector512.Load(lanes);
    }

    /// <summary>Writes the first <paramref name="count"/> lanes (1 to 15) and touches nothing beyond them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StorePart(Vector512<float> value, float* destination, int count)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.MaskStore(destination, LowerLanes(count), value);
            return;
        }

        float* lanes = stackalloc float[Lanes];
        value.Store(lanes);
        new ReadOnlySpan<float>(lanes, count).CopyTo(new Span<float>(destination, count));
    }

    /// <summary>destination += factor * source, <paramref name="count"/> floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe void AddScaled(float* source, float factor, float* destination, int count)
    {
        Vector512<float> scale = Vector512.Create(factor);
        int i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            Vector512.FusedMultiplyAdd(scale, Vector512.Load(source + i), Vector512.Load(destination + i)).Store(destination + i);
        }

        if (i < count)
        {
            StorePart(Vector512.FusedMultiplyAdd(scale, LoadPart(source + i, count - i, 0f), LoadPart(destination + i, count - i, 0f)),
                destination + i, count - i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> LowerLanes(int count) =>
        Vector512.LessThan(Vector512.Create(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), Vector512.Create(count)).AsSingle();

    /// <summary>The sum of the lanes, in a fixed order (halves, quarters, ...), so the same on every machine.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> value)
    {
        Vector256<float> eight = value.GetLower() + value.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }

    /// <summary>The largest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Maximum(Vector512<float> value)
    {
        Vector256<float> eight = Vector256.MaxNative(value.GetLower(), value.GetUpper());
        Vector128<float> four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[2]), MathF.Max(four[1], four[3]));
    }
}
