using System.Numerics;

namespace GumbelGan.Evaluation;

/// <summary>
/// Numbers every distinct n-gram of a corpus, order by order. An n-gram is looked up as (number of its first n-1 tokens, last token),
/// which packs into 64 bits whatever n is, so two n-grams never share a number by a hash accident and an n-gram whose prefix is
/// unknown need not be looked up at all.
/// </summary>
internal sealed class NGramIndex
{
    /// <summary>The number of an n-gram that the index does not hold.</summary>
    public const int Unknown = -1;

    private readonly Table[] _tables;

    /// <summary>An empty index for orders 1..<paramref name="maximumOrder"/>.</summary>
    public NGramIndex(int maximumOrder)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumOrder);
        _tables = new Table[maximumOrder];
        for (int order = 0; order < maximumOrder; order++)
        {
            _tables[order] = new Table();
        }
    }

    /// <summary>The longest n-gram held.</summary>
    public int MaximumOrder => _tables.Length;

    /// <summary>How many distinct n-grams of this <paramref name="order"/> are held; their numbers are 0..count-1.</summary>
    public int Count(int order) => _tables[order - 1].Count;

    /// <summary>
    /// Turns the numbers of the (order-1)-grams of <paramref name="sequence"/> into those of its order-grams, in place: on entry
    /// <paramref name="numbers"/>[i] belongs to the (order-1)-gram that starts at i (ignored when order is 1), on return to the order-gram.
    /// </summary>
    /// <returns>How many order-grams the sequence has: its length - order + 1, or 0.</returns>
    public int Advance(int order, ReadOnlySpan<int> sequence, Span<int> numbers, bool add)
    {
        Table table = _tables[order - 1];
        int positions = Math.Max(0, sequence.Length - order + 1);
        for (int start = 0; start < positions; start++)
        {
            int prefix = order == 1 ? 0 : numbers[start];
            if (prefix == Unknown)
            {
                continue;
            }

            ulong key = ((ulong)(uint)prefix << 32) | (uint)sequence[start + order - 1];
            numbers[start] = add ? table.FindOrAdd(key) : table.Find(key);
        }

        return positions;
    }

    private sealed class Table
    {
        private ulong[] _keys = new ulong[1024];
        private int[] _numbers = Filled(1024);

        public int Count { get; private set; }

        public int Find(ulong key)
        {
            int mask = _keys.Length - 1;
            for (int slot = Slot(key, mask); ; slot = (slot + 1) & mask)
            {
                if (_numbers[slot] == Unknown || _keys[slot] == key)
                {
                    return _numbers[slot];
                }
            }
        }

        public int FindOrAdd(ulong key)
        {
            if (2 * Count >= _keys.Length)
            {
                Grow();
            }

            int mask = _keys.Length - 1;
            for (int slot = Slot(key, mask); ; slot = (slot + 1) & mask)
            {
                if (_numbers[slot] == Unknown)
                {
                    _keys[slot] = key;
                    return _numbers[slot] = Count++;
                }

                if (_keys[slot] == key)
                {
                    return _numbers[slot];
                }
            }
        }

        // Fibonacci hashing: the product's high bits depend on every bit of the key.
        private static int Slot(ulong key, int mask) => (int)((key * 0x9E3779B97F4A7C15UL) >> (64 - BitOperations.PopCount((uint)mask)));

        private static int[] Filled(int size)
        {
            int[] numbers = new int[size];
            Array.Fill(numbers, Unknown);
            return numbers;
        }

        private void Grow()
        {
            ulong[] keys = _keys;
            int[] numbers = _numbers;
            _keys = new ulong[2 * keys.Length];
            _numbers = Filled(_keys.Length);
            int mask = _keys.Length - 1;
            for (int old = 0; old < keys.Length; old++)
            {
                if (numbers[old] == Unknown)
                {
                    continue;
                }

                int slot = Slot(keys[old], mask);
                while (_numbers[slot] != Unknown)
                {
                    slot = (slot + 1) & mask;
                }

                _keys[slot] = keys[old];
                _numbers[slot] = numbers[old];
            }
        }
    }
}
