using System.Runtime.InteropServices;
using System.Text;

namespace GumbelGan.Tokenization;

/// <summary>
/// Learns byte-pair merges (Sennrich et al. 2016): again and again the most frequent pair of adjacent symbols becomes one symbol. Ties go to the pair
/// with the smaller ids, as in Hugging Face's trainer.
/// </summary>
/// <remarks>Only distinct pieces of text and their counts are kept, and a merge visits only the pieces that hold its pair.</remarks>
internal sealed class BytePairTrainer(TokenizerOptions options)
{
    private readonly Dictionary<string, long> _pieces = new(StringComparer.Ordinal);

    /// <summary>Counts the pieces of a text, which the options' normalisation has passed through already.</summary>
    internal void Add(ReadOnlySpan<char> text)
    {
        Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> pieces = _pieces.GetAlternateLookup<ReadOnlySpan<char>>();
        for (int position = 0; position < text.Length;)
        {
            int end = ByteLevelPreTokenizer.EndOfPiece(text, position);
            CollectionsMarshal.GetValueRefOrAddDefault(pieces, text[position..end], out _)++;
            position = end;
        }
    }

    /// <summary>The tokenizer, with as many merges as the options allow and the text gives.</summary>
    internal BytePairTokenizer Train()
    {
        List<string> tokens = [.. Vocabulary.SpecialTokens, .. ByteLevelAlphabet.Ordered().Select(letter => letter.ToString())];
        Dictionary<string, int> ids = tokens.Select((token, id) => KeyValuePair.Create(token, id)).ToDictionary(StringComparer.Ordinal);
        int[] byteIds = [.. Enumerable.Range(0, 256).Select(value => ids[ByteLevelAlphabet.Letter((byte)value).ToString()])];
        var words = new List<Word>(_pieces.Count);
        var pairs = new Dictionary<(int, int), Pair>();
        // The order of words does not matter to the result, only to memory locality.
        foreach ((string piece, long count) in _pieces)
        {
            int[] symbols = [.. Encoding.UTF8.GetBytes(piece).Select(value => byteIds[value])];
            for (int i = 0; i + 1 < symbols.Length; i++)
            {
                Count(pairs, (symbols[i], symbols[i + 1]), count, words.Count);
            }

            words.Add(new Word(symbols, symbols.Length, count));
        }

        var queue = new PriorityQueue<(int Left, int Right, long Count), (long, int, int)>();
        foreach (((int left, int right) key, Pair pair) in pairs)
        {
            queue.Enqueue((key.left, key.right, pair.Count), (-pair.Count, key.left, key.right));
        }

        var merges = new List<string>();
        var changed = new HashSet<(int, int)>();
        while (merges.Count < options.Merges && queue.TryDequeue(out (int Left, int Right, long Count) best, out _))
        {
            if (!pairs.TryGetValue((best.Left, best.Right), out Pair? pair))
            {
                continue;
            }

            if (pair.Count != best.Count)
            {
                // Its count has changed since it was queued. Where it rose, it was queued anew at once; where it fell, that is done here.
                if (pair.Count > 0 && pair.Count < best.Count)
                {
                    queue.Enqueue((best.Left, best.Right, pair.Count), (-pair.Count, best.Left, best.Right));
                }

                continue;
            }

            if (best.Count < options.MinimumCount)
            {
                break;
            }

            // Readers of merges.txt skip a line that begins as the version line does.
            if (tokens[best.Left].StartsWith(BytePairTokenizer.VersionLine, StringComparison.Ordinal))
            {
                continue;
            }

            // No other pair has made this token: a stretch of bytes that becomes one token merges in the same way wherever it stands.
            int merged = tokens.Count;
            tokens.Add(tokens[best.Left] + tokens[best.Right]);
            merges.Add($"{tokens[best.Left]} {tokens[best.Right]}");
            changed.Clear();
            foreach (int index in pair.Words)
            {
                Merge(words, index, best.Left, best.Right, merged, pairs, changed);
            }

            pairs.Remove((best.Left, best.Right));
            foreach ((int left, int right) in changed)
            {
                long count = pairs[(left, right)].Count;
                queue.Enqueue((left, right, count), (-count, left, right));
            }
        }

        return new BytePairTokenizer(options, new Vocabulary(tokens.Select((token, id) => KeyValuePair.Create(token, id))), merges);
    }

    private static void Merge(
        List<Word> words, int index, int left, int right, int merged, Dictionary<(int, int), Pair> pairs, HashSet<(int, int)> changed)
    {
        ref Word word = ref CollectionsMarshal.AsSpan(words)[index];
        Span<int> symbols = word.Symbols.AsSpan(0, word.Length);
        int written = 0;
        for (int i = 0; i < symbols.Length; i++)
        {
            if (i + 1 < symbols.Length && symbols[i] == left && symbols[i + 1] == right)
            {
                if (written > 0)
                {
                    Count(pairs, (symbols[written - 1], left), -word.Count, index);
                    Count(pairs, (symbols[written - 1], merged), word.Count, index);
                    changed.Add((symbols[written - 1], merged));
                }

                if (i + 2 < symbols.Length)
                {
                    Count(pairs, (right, symbols[i + 2]), -word.Count, index);
                    Count(pairs, (merged, symbols[i + 2]), word.Count, index);
                    changed.Add((merged, symbols[i + 2]));
                }

                symbols[written++] = merged;
                i++;
            }
            else
            {
                symbols[written++] = symbols[i];
            }
        }

        word.Length = written;
    }

    private static void Count(Dictionary<(int, int), Pair> pairs, (int Left, int Right) key, long change, int word)
    {
        if (change < 0)
        {
            pairs[key].Count += change;
            return;
        }

        ref Pair? pair = ref CollectionsMarshal.GetValueRefOrAddDefault(pairs, key, out _);
        pair ??= new Pair();
        pair.Count += change;
        if (pair.Words.Count == 0 || pair.Words[^1] != word)
        {
            pair.Words.Add(word);
        }
    }

    private sealed class Pair
    {
        internal long Count { get; set; }

        /// <summary>Indices of the words that hold the pair; some may have lost it to another merge.</summary>
        internal List<int> Words { get; } = [];
    }

    private struct Word(int[] symbols, int length, long count)
    {
        internal int[] Symbols { get; } = symbols;

        internal int Length { get; set; } = length;

        internal long Count { get; } = count;
    }
}
