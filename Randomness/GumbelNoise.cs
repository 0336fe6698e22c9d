using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GumbelGan.Randomness;

/// <summary>
/// Standard Gumbel noise, -ln(-ln u), as a pure function of (key, step, row, column): no order of drawing, no number of threads and no
/// vector width changes a bit of it.
/// </summary>
/// <remarks>
/// <para>Column v of row r at step s of key K comes from one 32-bit word: word (v / 16) mod 4 of
/// <c>Philox.Generate(K.Derive(s).Value, 16 * (v / 64) + v mod 16, r)</c>, the order of <see cref="VectorPhilox"/>.</para>
/// <para>The upper 31 bits n of the word give u = 1 - (n + 1/2) / 2^31, strictly inside (0, 1). Both u and 1 - u are formed from the integer,
/// so that -ln u keeps its full relative accuracy where u is near 1 - the upper tail of the noise, the one that decides which token
/// wins - instead of the granularity of 2^-24 that a float u has there. The noise lies in [-3.1, 22.2].</para>
/// </remarks>
public static unsafe class GumbelNoise
{
    /// <summary>Columns are drawn in tiles of this many.</summary>
    public const int TileColumns = VectorPhilox.TileWords;

    /// <summary>Columns that are taken through one stage after the other together: a few KB, which stay in the first-level cache.</summary>
    private const int BlockColumns = 16 * TileColumns;

    /// <summary>Writes the noise of columns 0, 1, ... of one row.</summary>
    /// <param name="stepKey">
    /// <c>key.Derive(step)</c>: the key of this use of noise and of a step (a place in the sequence, or a count of draws).
    /// </param>
    /// <param name="row">The row of the batch.</param>
    /// <param name="destination">[V], any length.</param>
    public static void Fill(RandomKey stepKey, ulong row, Span<float> destination)
    {
        float* block = stackalloc float[BlockColumns];
        for (int start = 0; start < destination.Length; start += BlockColumns)
        {
            int count = Math.Min(BlockColumns, destination.Length - start), tiles = (count + TileColumns - 1) / TileColumns;
            FillExponential(stepKey.Value, (ulong)(start / TileColumns), row, block, tiles);
            for (int column = 0; column < count; column += 16)
            {
                NegativeLogarithm(Vector512.Load(block + column)).Store(block + column);
            }

            new ReadOnlySpan<float>(block, count).CopyTo(destination[start..]);
        }
    }

    /// <summary>
    /// Standard exponential noise, -ln u, of whole tiles of one row: the Gumbel noise of a column is <see cref="NegativeLogarithm"/> of
    /// it. In [2.3e-10, 22.2], relative error at most 3e-7 in both tails.
    /// </summary>
    /// <param name="stepKey">The value of <c>key.Derive(step)</c>.</param>
    /// <param name="firstTile">The first column, divided by <see cref="TileColumns"/>.</param>
    /// <param name="row">Which row of the batch.</param>
    /// <param name="destination">[tiles * <see cref="TileColumns"/>]; keep it within the first-level cache, it is passed over twice.</param>
    /// <param name="tiles">Number of tiles.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FillExponential(ulong stepKey, ulong firstTile, ulong row, float* destination, int tiles)
    {
        // In two loops, because either alone has enough independent work in flight for the processor to overlap, and their sum has not.
        VectorPhilox.Fill(stepKey, firstTile, row, (uint*)destination, tiles);
        for (float* vector = destination; vector < destination + (tiles * TileColumns); vector += 16)
        {
            ExponentialFromWords(Vector512.Load((uint*)vector)).Store(vector);
        }
    }

    /// <summary>Standard exponential noise, -ln u, from uniform words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ExponentialFromWords(Vector512<uint> words)
    {
        Vector512<int> n = (words >>> 1).AsInt32();
        Vector512<float> complement = ToUnit(n), uniform = ToUnit(n ^ Vector512.Create(int.MaxValue));
        Vector512<int> exponent = Reduce(uniform, out Vector512<float> fraction);
        return Combine(exponent, Vector512.ConditionalSelect(Vector512.Equals(exponent, Vector512<int>.Zero).AsSingle(), complement, fraction));
    }

    /// <summary>
    /// -ln x for normal positive x, within 3 units in the last place. Zero, denormals, infinities and NaN are not handled, because no
    /// noise is any of them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> NegativeLogarithm(Vector512<float> x)
    {
        Vector512<int> exponent = Reduce(x, out Vector512<float> fraction);
        return Combine(exponent, fraction);
    }

    // (n + 1/2) / 2^31.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ToUnit(Vector512<int> n) => Vector512.FusedMultiplyAdd(
        Vector512.ConvertToSingle(n), Vector512.Create(1f / (1L << 31)), Vector512.Create(0.5f / (1L << 31)));

    // x = 2^exponent (1 - fraction) with 1 - fraction in [2/3, 4/3), the interval on which the polynomial below is shortest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Reduce(Vector512<float> x, out Vector512<float> fraction)
    {
        Vector512<int> bits = x.AsInt32();
        Vector512<int> exponent = (bits - Vector512.Create(0x3F2AAAAB)) >> 23;
        fraction = Vector512<float>.One - (bits - (exponent << 23)).AsSingle();
        return exponent;
    }

    // -exponent ln 2 - ln(1 - f), where -ln(1 - f) = f + f^2 Q(f): Q is the minimax polynomial of degree 7 for relative error on
    // [-1/3, 1/3], 2.6e-8. Summed pairwise (Estrin) instead of by Horner's rule: a third of the waiting for one more multiplication.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Combine(Vector512<int> exponent, Vector512<float> f)
    {
        Vector512<float> f2 = f * f, f4 = f2 * f2;
        Vector512<float> q01 = Vector512.FusedMultiplyAdd(f, Vector512.Create(0.333331974111f), Vector512.Create(0.4999993593f));
        Vector512<float> q23 = Vector512.FusedMultiplyAdd(f, Vector512.Create(0.200112144142f), Vector512.Create(0.250078333206f));
        Vector512<float> q45 = Vector512.FusedMultiplyAdd(f, Vector512.Create(0.139949957237f), Vector512.Create(0.164156397751f));
        Vector512<float> q67 = Vector512.FusedMultiplyAdd(f, Vector512.Create(0.140306462488f), Vector512.Create(0.153904964449f));
        Vector512<float> whole = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(exponent), Vector512.Create(-0.69314718056f), f);
        Vector512<float> q = Vector512.FusedMultiplyAdd(
            Vector512.FusedMultiplyAdd(q67, f2, q45), f4, Vector512.FusedMultiplyAdd(q23, f2, q01));
        return Vector512.FusedMultiplyAdd(q, f2, whole);
    }
}
