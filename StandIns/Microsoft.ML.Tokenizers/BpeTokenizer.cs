using System.Buffers;
using System.Collections.Concurrent;
using System.Text;

namespace Microsoft.ML.Tokenizers;

/// <summary>
/// Byte-level byte-pair encoding (Sennrich et al. 2016; Radford et al. 2019): each piece of the pre-tokenizer starts as its UTF-8 bytes, and the
/// adjacent pair whose merge has the lowest rank (the leftmost of equals) is joined until no adjacent pair has a merge.
/// </summary>
public sealed class BpeTokenizer : Tokenizer
{
    // Beyond this many pieces new ones are encoded each time; text repeats its frequent pieces long before.
    private const int CacheCapacity = 1 << 16;
    private const int LongestCachedPiece = 64;
    // Up to here scanning for the best pair beats keeping a queue.
    private const int LongestScannedPiece = 48;

    private readonly int[] _byteIds = new int[256];
    private readonly Dictionary<int, string> _tokens = [];
    private readonly MergeTable _merges;
    private readonly ConcurrentDictionary<string, int[]> _cache = new(StringComparer.Ordinal);
    private int _cached;

    private BpeTokenizer(BpeOptions options)
    {
        if (!options.ByteLevel)
        {
            throw new NotSupportedException("The stand-in for Microsoft.ML.Tokenizers covers byte-level BPE only; set BpeOptions.ByteLevel.");
        }

        PreTokenizer = options.PreTokenizer ?? throw new NotSupportedException("The stand-in has no default pre-tokenizer; set BpeOptions.PreTokenizer.");
        Normalizer = options.Normalizer;
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((string token, int id) in options.Vocabulary)
        {
            vocabulary.Add(token, id);
            _tokens.Add(id, token);
        }

        Vocabulary = vocabulary;
        for (int value = 0; value < 256; value++)
        {
            _byteIds[value] = vocabulary.TryGetValue(ByteAlphabet.Letter((byte)value).ToString(), out int id) ? id : -1;
        }

        string[] merges = [.. options.Merges ?? []];
        _merges = new MergeTable(merges.Length);
        for (int rank = 0; rank < merges.Length; rank++)
        {
            string[] pair = merges[rank].Split(' ');
            if (pair.Length != 2 || pair[0].Length == 0 || pair[1].Length == 0)
            {
                throw new InvalidOperationException($"The merge '{merges[rank]}' is not two tokens separated by a space.");
            }

            int Id(string token) => vocabulary.TryGetValue(token, out int id)
                ? id
                : throw new InvalidOperationException($"Trying to merge a token '{token}' which does not exist in the vocabulary.");
            _merges.Add(Id(pair[0]), Id(pair[1]), rank, Id(pair[0] + pair[1]));
        }
    }

    /// <inheritdoc/>
    public override PreTokenizer PreTokenizer { get; }

    /// <inheritdoc/>
    public override Normalizer? Normalizer { get; }

    /// <summary>Whether text is handled as bytes.</summary>
    public bool ByteLevel => true;

    /// <summary>Token to id.</summary>
    public IReadOnlyDictionary<string, int> Vocabulary { get; }

    /// <summary>A tokenizer made of <paramref name="options"/>.</summary>
    /// <exception cref="InvalidOperationException">A merge names a token that the vocabulary lacks.</exception>
    public static BpeTokenizer Create(BpeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new BpeTokenizer(options);
    }

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var bytes = new ArrayBufferWriter<byte>();
        foreach (int id in ids)
        {
            if (_tokens.TryGetValue(id, out string? token))
            {
                ByteAlphabet.Write(token, bytes);
            }
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <inheritdoc/>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        int[] all = [.. ids];
        string text = Decode(all);
        for (idsConsumed = all.Length; ; idsConsumed--)
        {
            string prefix = idsConsumed == all.Length ? text : Decode(all.Take(idsConsumed));
            // Half a character decodes to U+FFFD, which the whole text does not begin with.
            if (prefix.Length <= destination.Length && text.StartsWith(prefix, StringComparison.Ordinal))
            {
                prefix.CopyTo(destination);
                charsWritten = prefix.Length;
                return idsConsumed == all.Length ? OperationStatus.Done : OperationStatus.DestinationTooSmall;
            }
        }
    }

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        if (settings.MaxTokenCount != int.MaxValue)
        {
            return base.EncodeToIds(text, textSpan, settings);
        }

        string? normalized = Normalize(text, textSpan, settings);
        ReadOnlySpan<char> span = normalized ?? (text is null ? textSpan : text);
        var ids = new List<int>(span.Length / 3);
        foreach ((int offset, int length) in Pieces(span, settings))
        {
            ids.AddRange(PieceIds(span.Slice(offset, length)));
        }

        return new EncodeResults<int> { Tokens = ids, NormalizedText = normalized, CharsConsumed = span.Length };
    }

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        if (settings.MaxTokenCount <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(settings), "The maximum number of tokens must be greater than zero.");
        }

        string? normalized = Normalize(text, textSpan, settings);
        ReadOnlySpan<char> span = normalized ?? (text is null ? textSpan : text);
        var tokens = new List<EncodedToken>();
        int consumed = 0;
        foreach ((int offset, int length) in Pieces(span, settings))
        {
            ReadOnlySpan<char> piece = span.Slice(offset, length);
            int[] starts = CharactersOfBytes(piece);
            int bytes = 0;
            foreach (int id in PieceIds(piece))
            {
                if (tokens.Count == settings.MaxTokenCount)
                {
                    return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = normalized, CharsConsumed = consumed };
                }

                // A token may begin or end inside a character; it then claims the whole character.
                int first = starts[bytes], last = bytes + _tokens[id].Length - 1;
                int next = last + 1;
                while (next < starts.Length - 1 && starts[next] == starts[last])
                {
                    next++;
                }

                consumed = offset + starts[next];
                tokens.Add(new EncodedToken(id, _tokens[id], (offset + first)..consumed));
                bytes = last + 1;
            }
        }

        return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = normalized, CharsConsumed = span.Length };
    }

    private string? Normalize(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        !settings.ConsiderNormalization || Normalizer is null ? null
        : text is null ? Normalizer.Normalize(textSpan)
        : Normalizer.Normalize(text);

    private IEnumerable<(int Offset, int Length)> Pieces(ReadOnlySpan<char> text, EncodeSettings settings) =>
        settings.ConsiderPreTokenization ? PreTokenizer.PreTokenize(text) : [(0, text.Length)];

    private int[] PieceIds(ReadOnlySpan<char> piece)
    {
        if (piece.Length > LongestCachedPiece)
        {
            return Merge(piece);
        }

        ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> cache = _cache.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!cache.TryGetValue(piece, out int[]? ids))
        {
            ids = Merge(piece);
            if (_cached < CacheCapacity && cache.TryAdd(piece, ids))
            {
                Interlocked.Increment(ref _cached);
            }
        }

        return ids;
    }

    private int[] Merge(ReadOnlySpan<char> piece)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(piece.Length)];
        int count = Encoding.UTF8.GetBytes(piece, bytes);
        int[] ids = new int[count];
        int used = 0;
        for (int i = 0; i < count; i++)
        {
            // A vocabulary without this byte has no way to write it, as in the package.
            if (_byteIds[bytes[i]] >= 0)
            {
                ids[used++] = _byteIds[bytes[i]];
            }
        }

        Span<int> symbols = ids.AsSpan(0, used);
        return used <= LongestScannedPiece ? MergeByScanning(symbols) : MergeByQueue(symbols);
    }

    private int[] MergeByScanning(Span<int> symbols)
    {
        while (symbols.Length > 1)
        {
            int best = -1, bestRank = int.MaxValue, bestId = 0;
            for (int i = 0; i + 1 < symbols.Length; i++)
            {
                if (_merges.TryGet(symbols[i], symbols[i + 1], out int rank, out int id) && rank < bestRank)
                {
                    (best, bestRank, bestId) = (i, rank, id);
                }
            }

            if (best < 0)
            {
                break;
            }

            symbols[best] = bestId;
            symbols[(best + 2)..].CopyTo(symbols[(best + 1)..]);
            symbols = symbols[..^1];
        }

        return symbols.ToArray();
    }

    private int[] MergeByQueue(Span<int> symbols)
    {
        int count = symbols.Length;
        int[] next = new int[count], previous = new int[count];
        var queue = new PriorityQueue<(int Left, int LeftId, int RightId, int Merged), (int Rank, int Position)>();
        for (int i = 0; i < count; i++)
        {
            (previous[i], next[i]) = (i - 1, i + 1);
        }

        for (int i = 0; i + 1 < count; i++)
        {
            Offer(symbols, i, i + 1);
        }

        while (queue.TryDequeue(out (int Left, int LeftId, int RightId, int Merged) candidate, out _))
        {
            int left = candidate.Left, right = next[left];
            // Either symbol may have been merged away since the pair was offered.
            if (symbols[left] != candidate.LeftId || right >= count || symbols[right] != candidate.RightId)
            {
                continue;
            }

            symbols[left] = candidate.Merged;
            symbols[right] = -1;
            next[left] = next[right];
            if (next[left] < count)
            {
                previous[next[left]] = left;
                Offer(symbols, left, next[left]);
            }

            if (previous[left] >= 0)
            {
                Offer(symbols, previous[left], left);
            }
        }

        return symbols.ToArray().Where(id => id >= 0).ToArray();

        void Offer(Span<int> current, int left, int right)
        {
            if (_merges.TryGet(current[left], current[right], out int rank, out int merged))
            {
                queue.Enqueue((left, current[left], current[right], merged), (rank, left));
            }
        }
    }

    /// <summary>For each byte of the piece the index of its character, and behind the last the length of the piece.</summary>
    private static int[] CharactersOfBytes(ReadOnlySpan<char> piece)
    {
        var starts = new List<int>();
        int position = 0;
        foreach (Rune rune in piece.EnumerateRunes())
        {
            for (int i = 0; i < rune.Utf8SequenceLength; i++)
            {
                starts.Add(position);
            }

            position += rune.Utf16SequenceLength;
        }

        starts.Add(position);
        return [.. starts];
    }

    /// <summary>Pairs of ids to rank and merged id: open addressing, because this look-up is the inner loop of encoding.</summary>
    private sealed class MergeTable
    {
        private readonly ulong[] _keys;
        private readonly (int Rank, int Id)[] _values;
        private readonly int _shift;

        internal MergeTable(int count)
        {
            int bits = Math.Max(4, 32 - int.LeadingZeroCount(count) + 1);
            _keys = new ulong[1 << bits];
            _values = new (int, int)[1 << bits];
            _shift = 64 - bits;
        }

        internal void Add(int left, int right, int rank, int id)
        {
            ulong key = Key(left, right);
            int slot = Slot(key);
            while (_keys[slot] != 0)
            {
                if (_keys[slot] == key)
                {
                    throw new ArgumentException($"The merge of the ids {left} and {right} is listed twice.");
                }

                slot = (slot + 1) & (_keys.Length - 1);
            }

            (_keys[slot], _values[slot]) = (key, (rank, id));
        }

        internal bool TryGet(int left, int right, out int rank, out int id)
        {
            ulong key = Key(left, right);
            int slot = Slot(key);
            while (_keys[slot] != 0)
            {
                if (_keys[slot] == key)
                {
                    (rank, id) = _values[slot];
                    return true;
                }

                slot = (slot + 1) & (_keys.Length - 1);
            }

            (rank, id) = (0, 0);
            return false;
        }

        // Ids are not negative, so with one added no key is zero.
        private static ulong Key(int left, int right) => ((ulong)(uint)(left + 1) << 32) | (uint)right;

        private int Slot(ulong key) => (int)((key * 0x9E3779B97F4A7C15UL) >> _shift);
    }
}
