namespace GumbelGan.Randomness;

/// <summary>
/// Sequential draws from the stream of one key. The whole state is <see cref="Position"/>, so a checkpoint stores one number.
/// </summary>
/// <param name="key">Which stream.</param>
/// <param name="position">How many 32-bit words have been drawn already.</param>
public sealed class RandomStream(RandomKey key, ulong position = 0)
{
    private Philox.Block _block = Philox.Generate(key.Value, position / 4, 0);

    /// <summary>Words drawn so far; a stream made anew with this position continues exactly here.</summary>
    public ulong Position { get; private set; } = position;

    /// <summary>A uniform 32-bit word.</summary>
    public uint NextUInt32()
    {
        uint lane = (uint)(Position % 4);
        if (lane == 0)
        {
            _block = Philox.Generate(key.Value, Position / 4, 0);
        }

        Position++;
        return lane switch { 0 => _block.A, 1 => _block.B, 2 => _block.C, _ => _block.D };
    }

    /// <summary>A uniform double in [0, 1), 53 bits.</summary>
    public double NextDouble() => (((ulong)(NextUInt32() >> 5) << 26) | (NextUInt32() >> 6)) * (1.0 / (1UL << 53));

    /// <summary>A uniform integer in [0, <paramref name="exclusiveMaximum"/>), without modulo bias.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The maximum is not positive.</exception>
    public int NextInt32(int exclusiveMaximum)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exclusiveMaximum);
        // Lemire's multiply-and-reject ("Fast random integer generation in an interval", 2019).
        ulong product = (ulong)NextUInt32() * (uint)exclusiveMaximum;
        uint threshold = unchecked((uint)-exclusiveMaximum) % (uint)exclusiveMaximum;
        while ((uint)product < threshold)
        {
            product = (ulong)NextUInt32() * (uint)exclusiveMaximum;
        }

        return (int)(product >> 32);
    }

    /// <summary>So many of the numbers below <paramref name="of"/>, ascending, every choice equally likely.</summary>
    /// <param name="count">At most <paramref name="of"/>.</param>
    /// <param name="of">How many there are.</param>
    public int[] Choose(int count, int of)
    {
        int[] all = [.. Enumerable.Range(0, of)];
        if (count < of)
        {
            Shuffle<int>(all);
        }

        return [.. all[..count].Order()];
    }

    /// <summary>Puts <paramref name="items"/> in a uniformly random order (Fisher-Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int last = items.Length - 1; last > 0; last--)
        {
            int other = NextInt32(last + 1);
            (items[last], items[other]) = (items[other], items[last]);
        }
    }
}
