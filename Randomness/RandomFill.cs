namespace GumbelGan.Randomness;

/// <summary>Fills memory with random numbers of a key: the same numbers in every process, on every machine and with every engine.</summary>
/// <remarks>Of a key with a <see cref="RandomKey.Slice"/> what is filled is that slice: n numbers of slice s are the numbers from s n on.</remarks>
public static class RandomFill
{
    private const int ChunkWords = 16 * VectorPhilox.TileWords;

    /// <summary>Uniform numbers in [<paramref name="minimum"/>, <paramref name="maximum"/>).</summary>
    /// <param name="key">The stream.</param>
    /// <param name="minimum">The least.</param>
    /// <param name="maximum">Above all.</param>
    /// <param name="destination">Any length.</param>
    public static void Uniform(RandomKey key, float minimum, float maximum, Span<float> destination)
    {
        float width = maximum - minimum;
        Words(key, destination, word => minimum + width * UnitInterval(word));
    }

    /// <summary>Standard normal numbers, by the method of Box and Muller (1958), two from each pair of uniform ones.</summary>
    /// <param name="key">The stream.</param>
    /// <param name="destination">Any length.</param>
    public static void Normal(RandomKey key, Span<float> destination)
    {
        // A pair takes two doubles, four words.
        var stream = new RandomStream(key, 4 * key.FirstRow((destination.Length + 1) / 2));
        for (int i = 0; i < destination.Length; i += 2)
        {
            // 1 - u lies in (0, 1], so its logarithm is finite.
            double radius = Math.Sqrt(-2 * Math.Log(1 - stream.NextDouble())), angle = 2 * Math.PI * stream.NextDouble();
            destination[i] = (float)(radius * Math.Cos(angle));
            if (i + 1 < destination.Length)
            {
                destination[i + 1] = (float)(radius * Math.Sin(angle));
            }
        }
    }

    /// <summary>Normal numbers of mean 0, those beyond two deviations drawn again.</summary>
    /// <param name="key">The stream.</param>
    /// <param name="deviation">Of the normal that is cut; the numbers' own deviation is .88 of it.</param>
    /// <param name="destination">Any length.</param>
    public static void TruncatedNormal(RandomKey key, float deviation, Span<float> destination)
    {
        Span<float> drawn = stackalloc float[256];
        int filled = 0;
        for (ulong block = 0; filled < destination.Length; block++)
        {
            Normal(key.Derive(block), drawn);
            for (int i = 0; i < drawn.Length && filled < destination.Length; i++)
            {
                if (Math.Abs(drawn[i]) <= 2)
                {
                    destination[filled++] = deviation * drawn[i];
                }
            }
        }
    }

    /// <summary>
    /// The factors of dropout (Srivastava et al. 2014): 0 with probability <paramref name="share"/>, else 1 / (1 - share), so that the mean stays 1.
    /// </summary>
    /// <param name="key">The stream.</param>
    /// <param name="share">Of the values that is dropped, in [0, 1).</param>
    /// <param name="destination">Any length.</param>
    public static void Dropout(RandomKey key, double share, Span<float> destination)
    {
        float kept = (float)(1 / (1 - share));
        ulong dropped = (ulong)(share * (1UL << 32));
        Words(key, destination, word => word < dropped ? 0 : kept);
    }

    // 24 bits, which a float holds exactly.
    private static float UnitInterval(uint word) => (word >> 8) * (1f / (1 << 24));

    private static void Words(RandomKey key, Span<float> destination, Func<uint, float> number)
    {
        Span<uint> words = stackalloc uint[ChunkWords];
        (ulong firstTile, ulong before) = Math.DivRem(key.FirstRow(destination.Length), VectorPhilox.TileWords);
        for (int start = -(int)before; start < destination.Length; start += ChunkWords)
        {
            int count = Math.Min(ChunkWords, destination.Length - start);
            int tiles = (count + VectorPhilox.TileWords - 1) / VectorPhilox.TileWords;
            VectorPhilox.Fill(key.Value, firstTile, 0, words[..(tiles * VectorPhilox.TileWords)]);
            firstTile += ChunkWords / VectorPhilox.TileWords;
            for (int i = Math.Max(0, -start); i < count; i++)
            {
                destination[start + i] = number(words[i]);
            }
        }
    }
}
