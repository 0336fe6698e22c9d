using System.Buffers;

namespace GumbelGan.Kernels;

/// <summary>
/// Restricts a distribution to its likeliest tokens: the K likeliest (top-k; Fan, Lewis and Dauphin 2018), and of these the smallest set that holds
/// the share p of their probability (top-p, the nucleus; Holtzman et al. 2020). Of equally likely tokens the one with the smaller id comes first, so
/// that the set is well defined.
/// </summary>
/// <remarks>
/// V is the vocabulary. Tokens are counted in buckets of similar probability, and only the bucket in which the kept set ends is sorted.
/// </remarks>
public static class TruncationKernel
{
    // Floats that are not negative have the same order as their bits. The upper bits make eight buckets for each power of two.
    private const int Buckets = 1 << 11, BucketShift = 20;

    /// <summary>Sets the weights of all other tokens to zero.</summary>
    /// <param name="weights">[V], in proportion to the probabilities; none negative, none NaN.</param>
    /// <param name="topK">K, the most tokens that stay; 0 for no limit.</param>
    /// <param name="topP">p, above 0; 1 for no limit.</param>
    /// <exception cref="ArgumentOutOfRangeException">K is negative, or p is not above 0 and at most 1.</exception>
    public static void Truncate(Span<float> weights, int topK, double topP)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(topK);
        if (!(topP > 0 && topP <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(topP), topP, "The share of the nucleus is above 0 and at most 1.");
        }

        Span<int> counts = stackalloc int[Buckets];
        Span<double> masses = stackalloc double[Buckets];
        counts.Clear();
        masses.Clear();
        foreach (float weight in weights)
        {
            counts[Bucket(weight)]++;
            masses[Bucket(weight)] += weight;
        }

        ulong last = LastKept(weights, counts, masses, topK == 0 ? int.MaxValue : topK, double.PositiveInfinity, out double total);
        if (topP < 1)
        {
            last = Math.Min(last, LastKept(weights, counts, masses, int.MaxValue, topP * total, out _));
        }

        for (int token = 0; token < weights.Length; token++)
        {
            weights[token] = SortKey(weights[token], token) <= last ? weights[token] : 0;
        }
    }

    /// <summary>
    /// The sort key of the last token that is kept: going down from the likeliest, the one with which the count reaches <paramref name="most"/> or
    /// the mass <paramref name="enough"/>. Where neither is reached, it is the largest key that there is.
    /// </summary>
    private static ulong LastKept(ReadOnlySpan<float> weights, ReadOnlySpan<int> counts, ReadOnlySpan<double> masses, int most, double enough,
        out double mass)
    {
        mass = 0;
        int count = 0;
        for (int bucket = Buckets - 1; bucket >= 0; bucket--)
        {
            if (count + counts[bucket] < most && mass + masses[bucket] < enough)
            {
                count += counts[bucket];
                mass += masses[bucket];
                continue;
            }

            ulong[] keys = ArrayPool<ulong>.Shared.Rent(Math.Max(1, counts[bucket]));
            Span<ulong> sorted = keys.AsSpan(0, counts[bucket]);
            Collect(weights, bucket, sorted);
            foreach (ulong key in sorted)
            {
                count++;
                mass += weights[(int)(uint)key];
                if (count >= most || mass >= enough)
                {
                    ArrayPool<ulong>.Shared.Return(keys);
                    return key;
                }
            }

            ArrayPool<ulong>.Shared.Return(keys);
        }

        return ulong.MaxValue;
    }

    private static void Collect(ReadOnlySpan<float> weights, int bucket, Span<ulong> keys)
    {
        int found = 0;
        for (int token = 0; found < keys.Length; token++)
        {
            if (Bucket(weights[token]) == bucket)
            {
                keys[found++] = SortKey(weights[token], token);
            }
        }

        keys.Sort();
    }

    private static int Bucket(float weight) => (int)(BitConverter.SingleToUInt32Bits(weight) >> BucketShift);

    // In ascending order of this key come larger weights first, then smaller ids.
    private static ulong SortKey(float weight, int token) => ((ulong)~BitConverter.SingleToUInt32Bits(weight) << 32) | (uint)token;
}
