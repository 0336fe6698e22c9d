using System.Runtime.InteropServices;

namespace GumbelGan.Tokenization;

/// <summary>
/// Encoded sequences, each without begin and with the end token, in the order in which they were added. Ids take one, two or four bytes each,
/// as few as the vocabulary allows.
/// </summary>
public sealed class SequenceSet
{
    /// <summary>The most ids in one sequence, the end token included.</summary>
    public const int LongestSequence = ChunkLength - 1;

    private const int ChunkLength = 1 << 20;

    private readonly int _bytesPerId;
    private readonly List<byte[]> _chunks = [];
    // Where each sequence is: 20 bits of length, 20 of offset in its chunk, the rest the chunk's index.
    private readonly List<ulong> _places = [];
    private int _used = ChunkLength;

    internal SequenceSet(int vocabularyCount) => _bytesPerId = vocabularyCount switch { <= 1 << 8 => 1, <= 1 << 16 => 2, _ => 4 };

    /// <summary>How many sequences.</summary>
    public int Count => _places.Count;

    /// <summary>Ids in all sequences together, end tokens included.</summary>
    public long Tokens { get; private set; }

    /// <summary>Ids in the longest sequence, the end token included; 0 when empty.</summary>
    public int MaximumLength { get; private set; }

    /// <summary>The ids of sequence <paramref name="index"/>, ending with the end token; a fresh array.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such sequence.</exception>
    public ReadOnlySpan<int> this[int index]
    {
        get
        {
            int[] ids = new int[LengthOf(index)];
            CopyTo(index, ids);
            return ids;
        }
    }

    /// <summary>How many ids sequence <paramref name="index"/> has, the end token included.</summary>
    public int LengthOf(int index) => (int)(_places[index] & (ChunkLength - 1));

    /// <summary>Writes the ids of sequence <paramref name="index"/> to the start of <paramref name="destination"/>.</summary>
    /// <returns>How many were written.</returns>
    /// <exception cref="ArgumentException">The destination is shorter than the sequence.</exception>
    public int CopyTo(int index, Span<int> destination)
    {
        ulong place = _places[index];
        int length = (int)(place & (ChunkLength - 1)), offset = (int)((place >> 20) & (ChunkLength - 1));
        if (destination.Length < length)
        {
            throw new ArgumentException($"A destination of {destination.Length} cannot take a sequence of {length}.", nameof(destination));
        }

        ReadOnlySpan<byte> stored = _chunks[(int)(place >> 40)].AsSpan(offset * _bytesPerId, length * _bytesPerId);
        switch (_bytesPerId)
        {
            case 1:
                for (int i = 0; i < length; i++)
                {
                    destination[i] = stored[i];
                }

                break;
            case 2:
                ReadOnlySpan<ushort> narrow = MemoryMarshal.Cast<byte, ushort>(stored);
                for (int i = 0; i < length; i++)
                {
                    destination[i] = narrow[i];
                }

                break;
            default:
                MemoryMarshal.Cast<byte, int>(stored).CopyTo(destination);
                break;
        }

        return length;
    }

    internal void Add(ReadOnlySpan<int> ids)
    {
        if (_used + ids.Length > ChunkLength)
        {
            _chunks.Add(new byte[ChunkLength * _bytesPerId]);
            _used = 0;
        }

        Span<byte> stored = _chunks[^1].AsSpan(_used * _bytesPerId, ids.Length * _bytesPerId);
        for (int i = 0; i < ids.Length; i++)
        {
            switch (_bytesPerId)
            {
                case 1:
                    stored[i] = (byte)ids[i];
                    break;
                case 2:
                    MemoryMarshal.Cast<byte, ushort>(stored)[i] = (ushort)ids[i];
                    break;
                default:
                    MemoryMarshal.Cast<byte, int>(stored)[i] = ids[i];
                    break;
            }
        }

        _places.Add((((ulong)(_chunks.Count - 1)) << 40) | ((ulong)_used << 20) | (uint)ids.Length);
        _used += ids.Length;
        Tokens += ids.Length;
        MaximumLength = Math.Max(MaximumLength, ids.Length);
    }
}
