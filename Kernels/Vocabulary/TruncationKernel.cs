using System.Buffers;

namespace GumbelGan.Kernels;

/// <summary>
/// Leaves a distribution its likeliest tokens only: the K likeliest (top-k; Fan, Lewis and Dauphin 2018), and of these the smallest set that holds
/// the share p of their probability (top-p, the nucleus; Holtzman et al. 2020). Of equally likely tokens the one with the smaller id comes first, so
/// that the set never depends on anything else.
/// </summary>
/// <remarks>V is the vocabulary. The row is visited twice; only tokens about as likely as the last that stays are sorted.</remarks>
public static class TruncationKernel
{
    // The bits of floats that are not negative are in the order of their values; the upper ones part a row into eighths of octaves.
    private const int Buckets = 1 << 11, BucketShift = 20;

    /// <summary>Sets what does not stay to zero.</summary>
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

        ulong last = Last(weights, counts, masses, topK == 0 ? int.MaxValue : topK, double.PositiveInfinity, out double total);
        if (topP < 1)
        {
            last = Math.Min(last, Last(weights, counts, masses, int.MaxValue, topP * total, out _));
        }

        for (int token = 0; token < weights.Length; token++)
        {
            weights[token] = Place(weights[token], token) <= last ? weights[token] : 0;
        }
    }

    /// <summary>The place of the token with which there are so many, or so much mass; that of none where all together are not enough.</summary>
    private static ulong Last(ReadOnlySpan<float> weights, ReadOnlySpan<int> counts, ReadOnlySpan<double> masses, int most, double enough,
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

            ulong[] places = ArrayPool<ulong>.Shared.Rent(Math.Max(1, counts[bucket]));
            Span<ulong> sorted = places.AsSpan(0, counts[bucket]);
            Collect(weights, bucket, sorted);
            foreach (ulong place in sorted)
            {
                count++;
                mass += weights[(int)(uint)place];
                if (count >= most || mass >= enough)
                {
                    ArrayPool<ulong>.Shared.Return(places);
                    return place;
                }
            }

            ArrayPool<ulong>.Shared.Return(places);
        }

        return ulong.MaxValue;
    }

    private static void Collect(ReadOnlySpan<float> weights, int bucket, Span<ulong> places)
    {
        int found = 0;
        for (int token = 0; found < places.Length; token++)
        {
            if (Bucket(weights[token]) == bucket)
            {
                places[found++] = Place(weights[token], token);
            }
        }

        places.Sort();
    }

    private static int Bucket(float weight) => (int)(BitConverter.SingleToUInt32Bits(weight) >> BucketShift);

    // Ascending: first the larger weight, then the smaller id.
    private static ulong Place(float weight, int token) => ((ulong)~BitConverter.SingleToUInt32Bits(weight) << 32) | (uint)token;
}
