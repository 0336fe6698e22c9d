using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GumbelGan.Randomness;

/// <summary>
/// Standard Gumbel noise, -ln(-ln u), as a pure function of (key, step, row, column): no order of drawing, no number of threads and no
/// vector width changes a bit of it.
/// </summary>
/// <remarks>
/// <para>Column v of row r at step s of key K comes from one 32-bit word: word (v / 16) mod 4 of
/// <c>Philox.Generate(K.Derive(s).Value, 16 * (v / 64) + v mod 16, r)</c>, that is, vector by vector from <see cref="VectorPhilox"/>.</para>
/// <para>The upper 31 bits n of the word give u = 1 - (n + 1/2) / 2^31, strictly inside (0, 1). Both u and 1 - u are formed from the integer,
/// so that -ln u keeps its full relative accuracy where u is near 1 - the upper tail of the noise, the one that decides which token
/// wins - instead of the granularity of 2^-24 that a float u has there. The noise lies in [-3.09, 22.19].</para>
/// </remarks>
public static class GumbelNoise
{
    /// <summary>Columns that one call of <see cref="VectorPhilox.Generate"/> covers.</summary>
    public const int TileColumns = VectorPhilox.Words;

    /// <summary>Writes the noise of columns 0, 1, ... of one row.</summary>
    /// <param name="key">The stream of this use of noise.</param>
    /// <param name="step">Which step of the stream (for example the position in the sequence, or a running count of draws).</param>
    /// <param name="row">Which row of the batch.</param>
    /// <param name="destination">[V], any length.</param>
    public static void Fill(RandomKey key, ulong step, ulong row, Span<float> destination) => Fill(key.Derive(step), row, destination);

    /// <summary>As <see cref="Fill(RandomKey, ulong, ulong, Span{float})"/>, for a caller who has derived the step's key once for many rows.</summary>
    /// <param name="stepKey"><c>key.Derive(step)</c>.</param>
    /// <param name="row">Which row of the batch.</param>
    /// <param name="destination">[V], any length.</param>
    public static void Fill(RandomKey stepKey, ulong row, Span<float> destination)
    {
        Span<float> tileNoise = stackalloc float[TileColumns];
        for (int start = 0; start < destination.Length; start += TileColumns)
        {
            int count = Math.Min(TileColumns, destination.Length - start);
            Span<float> target = count == TileColumns ? destination.Slice(start, TileColumns) : tileNoise;
            Generate(stepKey.Value, (ulong)(start / TileColumns), row,
                out Vector512<float> a, out Vector512<float> b, out Vector512<float> c, out Vector512<float> d);
            a.CopyTo(target);
            b.CopyTo(target[16..]);
            c.CopyTo(target[32..]);
            d.CopyTo(target[48..]);
            if (count < TileColumns)
            {
                tileNoise[..count].CopyTo(destination[start..]);
            }
        }
    }

    /// <summary>The noise of columns 64 <paramref name="tile"/> .. + 63 of one row, in registers.</summary>
    /// <param name="stepKey">The value of <c>key.Derive(step)</c>.</param>
    /// <param name="tile">Which group of <see cref="TileColumns"/> columns.</param>
    /// <param name="row">Which row of the batch.</param>
    /// <param name="a">Columns 0..15 of the tile.</param>
    /// <param name="b">Columns 16..31 of the tile.</param>
    /// <param name="c">Columns 32..47 of the tile.</param>
    /// <param name="d">Columns 48..63 of the tile.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Generate(
        ulong stepKey, ulong tile, ulong row, out Vector512<float> a, out Vector512<float> b, out Vector512<float> c, out Vector512<float> d)
    {
        VectorPhilox.Generate(stepKey, tile, row, out Vector512<uint> wordsA, out Vector512<uint> wordsB, out Vector512<uint> wordsC, out Vector512<uint> wordsD);
        a = FromWords(wordsA);
        b = FromWords(wordsB);
        c = FromWords(wordsC);
        d = FromWords(wordsD);
    }

    /// <summary>Standard Gumbel noise from uniform 32-bit words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FromWords(Vector512<uint> words) => -NaturalLogarithm(ExponentialFromWords(words));

    /// <summary>
    /// Standard exponential noise, -ln u, from uniform 32-bit words: in [2.3e-10, 22.2], relative error at most 2.5e-7 in both tails.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ExponentialFromWords(Vector512<uint> words)
    {
        Vector512<float> scale = Vector512.Create(1f / (1L << 31)), half = Vector512.Create(0.5f / (1L << 31));
        Vector512<int> n = (words >>> 1).AsInt32();
        Vector512<float> complement = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(n), scale, half);
        Vector512<float> uniform = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(n ^ Vector512.Create(int.MaxValue)), scale, half);
        Split(uniform, out Vector512<int> exponent, out Vector512<float> fraction);
        fraction = Vector512.ConditionalSelect(Vector512.Equals(exponent, Vector512<int>.Zero).AsSingle(), -complement, fraction);
        return -Combine(exponent, fraction);
    }

    /// <summary>
    /// ln x for normal positive x, within 2 units in the last place. Zero, denormals, infinities and NaN are not handled: nobody here has any.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> NaturalLogarithm(Vector512<float> x)
    {
        Split(x, out Vector512<int> exponent, out Vector512<float> fraction);
        return Combine(exponent, fraction);
    }

    // x = 2^exponent (1 + fraction) with 1 + fraction in [2/3, 4/3), the interval on which the polynomial below is shortest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(Vector512<float> x, out Vector512<int> exponent, out Vector512<float> fraction)
    {
        Vector512<int> bits = x.AsInt32();
        exponent = (bits - Vector512.Create(0x3F2AAAAB)) >> 23;
        fraction = (bits - (exponent << 23)).AsSingle() - Vector512<float>.One;
    }

    // exponent ln 2 + ln(1 + f), ln(1 + f) = f + f^2 Q(f): Q is the minimax polynomial of degree 7 for relative error on [-1/3, 1/3], 2.6e-8.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Combine(Vector512<int> exponent, Vector512<float> f)
    {
        Vector512<float> q = Vector512.Create(0.140306462488f);
        q = Vector512.FusedMultiplyAdd(q, f, Vector512.Create(-0.153904964449f));
        q = Vector512.FusedMultiplyAdd(q, f, Vector512.Create(0.139949957237f));
        q = Vector512.FusedMultiplyAdd(q, f, Vector512.Create(-0.164156397751f));
        q = Vector512.FusedMultiplyAdd(q, f, Vector512.Create(0.200112144142f));
        q = Vector512.FusedMultiplyAdd(q, f, Vector512.Create(-0.250078333206f));
        q = Vector512.FusedMultiplyAdd(q, f, Vector512.Create(0.333331974111f));
        q = Vector512.FusedMultiplyAdd(q, f, Vector512.Create(-0.4999993593f));
        Vector512<float> logarithm = Vector512.FusedMultiplyAdd(q, f * f, f);
        return Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(exponent), Vector512.Create(0.69314718056f), logarithm);
    }
}
