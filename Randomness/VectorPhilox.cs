using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GumbelGan.Randomness;

/// <summary>
/// <see cref="Philox"/> for many consecutive counters at once, bit for bit the same words on every machine: AVX-512, AVX2 or plain C#.
/// </summary>
/// <remarks>
/// Words come in tiles of 64: the four words of sixteen consecutive counters, first all first words, then all second ones, and so on. The
/// ten rounds of the original are kept: seven, the least that passes the published test batteries, would save a tenth of the time of a
/// fused relaxation and give up the safety margin.
/// </remarks>
public static class VectorPhilox
{
    /// <summary>Counters, and so blocks of four words, that one tile covers.</summary>
    public const int TileBlocks = 16;

    /// <summary>Words in a tile.</summary>
    public const int TileWords = 4 * TileBlocks;

    private const ulong MultiplierA = 0xD2511F53, MultiplierB = 0xCD9E8D57;
    private const ulong WeylA = 0x9E3779B9, WeylB = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>
    /// Writes whole tiles. Word w of lane j of tile t, that is element 64 t + 16 w + j, is word w of
    /// <c>Philox.Generate(key, 16 * (firstTile + t) + j, high)</c>.
    /// </summary>
    /// <param name="key">The stream, as in <see cref="Philox.Generate"/>.</param>
    /// <param name="firstTile">Index of the first tile, below 2^60.</param>
    /// <param name="high">The upper 64 bits of the counters.</param>
    /// <param name="words">A multiple of <see cref="TileWords"/> long.</param>
    /// <exception cref="ArgumentException">The length is no multiple of <see cref="TileWords"/>.</exception>
    public static unsafe void Fill(ulong key, ulong firstTile, ulong high, Span<uint> words)
    {
        if (words.Length % TileWords != 0)
        {
            throw new ArgumentException($"{words.Length} words are no whole number of tiles of {TileWords}.", nameof(words));
        }

        fixed (uint* destination = words)
        {
            Fill(key, firstTile, high, destination, words.Length / TileWords);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static unsafe void Fill(ulong key, ulong firstTile, ulong high, uint* words, int tiles)
    {
        int tile = 0;
        if (Avx512F.IsSupported)
        {
            // Two tiles abreast: one alone spends half its time waiting for its own multiplications.
            for (; tile <= tiles - 2; tile += 2, words += 2 * TileWords)
            {
                Vector512<ulong> counters = Vector512.Create((firstTile + (ulong)tile) * TileBlocks) + Vector512.Create(0UL, 2, 4, 6, 8, 10, 12, 14);
                Generate512(key, counters, high, words, words + TileWords);
            }
        }

        for (; tile < tiles; tile++, words += TileWords)
        {
            ulong counter = (firstTile + (ulong)tile) * TileBlocks;
            if (Avx2.IsSupported)
            {
                Generate256(key, counter, high, words);
                Generate256(key, counter + 8, high, words + 8);
            }
            else
            {
                GenerateOneByOne(key, counter, high, words);
            }
        }
    }

    // Each 64-bit lane carries one 32-bit word in its lower half, where the widening multiply reads it, and rubbish above: so the low
    // half of a product needs no masking and the high half only a shift. Even and odd counters go side by side and meet at the end.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Generate512(ulong key, Vector512<ulong> counters, ulong high, uint* first, uint* second)
    {
        Vector512<ulong> a0 = counters, a1 = a0 + Vector512<ulong>.One, a2 = a0 + Vector512.Create(16UL), a3 = a0 + Vector512.Create(17UL);
        Vector512<ulong> b0 = a0 >>> 32, b1 = a1 >>> 32, b2 = a2 >>> 32, b3 = a3 >>> 32;
        Vector512<ulong> c0 = Vector512.Create(high), c1 = c0, c2 = c0, c3 = c0;
        Vector512<ulong> d0 = Vector512.Create(high >> 32), d1 = d0, d2 = d0, d3 = d0;
        Vector512<ulong> keyA = Vector512.Create((ulong)(uint)key), keyB = Vector512.Create(key >> 32);
        Vector512<uint> timesA = Vector512.Create(MultiplierA).AsUInt32(), timesB = Vector512.Create(MultiplierB).AsUInt32();
        for (int round = 0; round < Rounds; round++)
        {
            Round(ref a0, ref b0, ref c0, ref d0, keyA, keyB, timesA, timesB);
            Round(ref a1, ref b1, ref c1, ref d1, keyA, keyB, timesA, timesB);
            Round(ref a2, ref b2, ref c2, ref d2, keyA, keyB, timesA, timesB);
            Round(ref a3, ref b3, ref c3, ref d3, keyA, keyB, timesA, timesB);
            keyA += Vector512.Create(WeylA);
            keyB += Vector512.Create(WeylB);
        }

        Interleave(a0, a1).Store(first);
        Interleave(b0, b1).Store(first + 16);
        Interleave(c0, c1).Store(first + 32);
        Interleave(d0, d1).Store(first + 48);
        Interleave(a2, a3).Store(second);
        Interleave(b2, b3).Store(second + 16);
        Interleave(c2, c3).Store(second + 32);
        Interleave(d2, d3).Store(second + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(
        ref Vector512<ulong> a, ref Vector512<ulong> b, ref Vector512<ulong> c, ref Vector512<ulong> d,
        Vector512<ulong> keyA, Vector512<ulong> keyB, Vector512<uint> timesA, Vector512<uint> timesB)
    {
        Vector512<ulong> productA = Avx512F.Multiply(a.AsUInt32(), timesA), productB = Avx512F.Multiply(c.AsUInt32(), timesB);
        a = (productB >>> 32) ^ b ^ keyA;
        c = (productA >>> 32) ^ d ^ keyB;
        b = productB;
        d = productA;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Interleave(Vector512<ulong> even, Vector512<ulong> odd) =>
        ((even & Vector512.Create(0xFFFFFFFFUL)) | (odd << 32)).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Generate256(ulong key, ulong counter, ulong high, uint* words)
    {
        Vector256<ulong> a0 = Vector256.Create(counter) + Vector256.Create(0UL, 2, 4, 6), a1 = a0 + Vector256<ulong>.One;
        Vector256<ulong> b0 = a0 >>> 32, b1 = a1 >>> 32;
        Vector256<ulong> c0 = Vector256.Create(high), c1 = c0;
        Vector256<ulong> d0 = Vector256.Create(high >> 32), d1 = d0;
        Vector256<ulong> keyA = Vector256.Create((ulong)(uint)key), keyB = Vector256.Create(key >> 32);
        Vector256<uint> timesA = Vector256.Create(MultiplierA).AsUInt32(), timesB = Vector256.Create(MultiplierB).AsUInt32();
        for (int round = 0; round < Rounds; round++)
        {
            Vector256<ulong> productA0 = Avx2.Multiply(a0.AsUInt32(), timesA), productB0 = Avx2.Multiply(c0.AsUInt32(), timesB);
            Vector256<ulong> productA1 = Avx2.Multiply(a1.AsUInt32(), timesA), productB1 = Avx2.Multiply(c1.AsUInt32(), timesB);
            a0 = (productB0 >>> 32) ^ b0 ^ keyA;
            a1 = (productB1 >>> 32) ^ b1 ^ keyA;
            c0 = (productA0 >>> 32) ^ d0 ^ keyB;
            c1 = (productA1 >>> 32) ^ d1 ^ keyB;
            (b0, b1, d0, d1) = (productB0, productB1, productA0, productA1);
            keyA += Vector256.Create(WeylA);
            keyB += Vector256.Create(WeylB);
        }

        Interleave(a0, a1).Store(words);
        Interleave(b0, b1).Store(words + 16);
        Interleave(c0, c1).Store(words + 32);
        Interleave(d0, d1).Store(words + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Interleave(Vector256<ulong> even, Vector256<ulong> odd) =>
        ((even & Vector256.Create(0xFFFFFFFFUL)) | (odd << 32)).AsUInt32();

    private static unsafe void GenerateOneByOne(ulong key, ulong counter, ulong high, uint* words)
    {
        for (int block = 0; block < TileBlocks; block++)
        {
            Philox.Block four = Philox.Generate(key, counter + (ulong)block, high);
            (words[block], words[16 + block], words[32 + block], words[48 + block]) = (four.A, four.B, four.C, four.D);
        }
    }
}
