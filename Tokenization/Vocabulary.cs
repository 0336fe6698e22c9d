using System.Collections.ObjectModel;
using System.Text.Encodings.Web;
using System.Text.Json;
using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>
/// Spellings and ids, one to one. A vocabulary of ours starts with four special tokens (padding 0, begin 1, end 2, unknown 3) whose spellings
/// hold a space. No text encodes to them: a word holds no space, a character is shorter, and the byte-level alphabet writes a space otherwise.
/// </summary>
public sealed class Vocabulary
{
    /// <summary>Fills a batch behind the end token; carries no loss.</summary>
    public const string PaddingToken = "<padding token>";

    /// <summary>What the generator is given before the first token.</summary>
    public const string BeginToken = "<begin token>";

    /// <summary>Closes every sequence.</summary>
    public const string EndToken = "<end token>";

    /// <summary>Stands for text that the vocabulary does not cover.</summary>
    public const string UnknownToken = "<unknown token>";

    /// <summary>The four special spellings in the order of their ids in a vocabulary of ours.</summary>
    public static ReadOnlyCollection<string> SpecialTokens { get; } = new([PaddingToken, BeginToken, EndToken, UnknownToken]);

    /// <summary>The most that a vocabulary or a list of merges may hold, in bytes.</summary>
    internal const int MaximumBytes = 128 << 20;

    private const int MaximumId = (1 << 24) - 1;

    private readonly string?[] _tokens;
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    /// <summary>
    /// The vocabulary of the given spellings and ids. Special tokens that it lacks (a file made elsewhere) are appended behind its highest id.
    /// </summary>
    /// <param name="ids">Spelling to id; ids may have gaps.</param>
    /// <param name="endToken">The spelling that closes every sequence.</param>
    /// <exception cref="UserMistakeException">Two spellings share an id, or an id is negative or above 16,777,211.</exception>
    public Vocabulary(IEnumerable<KeyValuePair<string, int>> ids, string endToken = EndToken)
    {
        _ids = new Dictionary<string, int>(StringComparer.Ordinal);
        int highest = -1;
        foreach ((string token, int id) in ids)
        {
            if (id < 0 || id > MaximumId - SpecialTokens.Count)
            {
                throw new UserMistakeException(
                    $"The vocabulary gives the token '{Excerpt.Of(token)}' the id {id}; ids run from 0 to {MaximumId - SpecialTokens.Count}.");
            }

            if (!_ids.TryAdd(token, id))
            {
                throw new UserMistakeException($"The vocabulary lists the token '{Excerpt.Of(token)}' twice; give each token one id.");
            }

            highest = Math.Max(highest, id);
        }

        foreach (string special in SpecialTokens.Select(special => special == EndToken ? endToken : special))
        {
            if (!_ids.ContainsKey(special))
            {
                _ids.Add(special, ++highest);
            }
        }

        _tokens = new string?[highest + 1];
        foreach ((string token, int id) in _ids)
        {
            if (_tokens[id] is { } other)
            {
                throw new UserMistakeException(
                    $"The vocabulary gives the tokens '{Excerpt.Of(other)}' and '{Excerpt.Of(token)}' the same id {id}; ids must be distinct.");
            }

            _tokens[id] = token;
        }

        _lookup = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
        (PaddingId, BeginId, EndId, UnknownId) = (_ids[PaddingToken], _ids[BeginToken], _ids[endToken], _ids[UnknownToken]);
    }

    /// <summary>How many ids the vocabulary spans, special tokens included: the width V of logits and embeddings.</summary>
    public int Count => _tokens.Length;

    /// <summary>The id of <see cref="PaddingToken"/>; 0 in a vocabulary of ours.</summary>
    public int PaddingId { get; }

    /// <summary>The id of <see cref="BeginToken"/>; 1 in a vocabulary of ours.</summary>
    public int BeginId { get; }

    /// <summary>The id of <see cref="EndToken"/>; 2 in a vocabulary of ours.</summary>
    public int EndId { get; }

    /// <summary>The id of <see cref="UnknownToken"/>; 3 in a vocabulary of ours.</summary>
    public int UnknownId { get; }

    /// <summary>Spelling to id, special tokens included.</summary>
    public IReadOnlyDictionary<string, int> Ids => _ids;

    /// <summary>Whether the special tokens have the highest ids, so that without them the ids run from 0 without a gap.</summary>
    public bool HasSpecialTokensLast => Math.Min(Math.Min(PaddingId, BeginId), Math.Min(EndId, UnknownId)) == Count - SpecialTokens.Count;

    /// <summary>The spelling of <paramref name="id"/>; <see cref="UnknownToken"/> for an id in a gap of a file made elsewhere.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative or at least <see cref="Count"/>.</exception>
    public string this[int id]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, _tokens.Length);
            return _tokens[id] ?? UnknownToken;
        }
    }

    /// <summary>The four special tokens, then <paramref name="tokens"/> in their order.</summary>
    /// <exception cref="UserMistakeException">A token is listed twice.</exception>
    public static Vocabulary FromTokens(IEnumerable<string> tokens) =>
        new(SpecialTokens.Concat(tokens).Select((token, id) => KeyValuePair.Create(token, id)));

    /// <summary>
    /// The four special tokens, then the counted tokens from the most to the least frequent (ties in ordinal order).
    /// </summary>
    /// <param name="counts">Occurrences of each token.</param>
    /// <param name="minimumCount">Rarer tokens are left out.</param>
    /// <param name="maximumVocabulary">The most tokens kept, special tokens included; 0 sets no limit.</param>
    public static Vocabulary FromCounts(IReadOnlyDictionary<string, long> counts, int minimumCount, int maximumVocabulary)
    {
        IEnumerable<string> tokens = counts.Where(pair => pair.Value >= minimumCount)
            .OrderByDescending(pair => pair.Value)
            .ThenBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => pair.Key);
        return FromTokens(maximumVocabulary == 0 ? tokens : tokens.Take(Math.Max(0, maximumVocabulary - SpecialTokens.Count)));
    }

    /// <summary>Looks up a spelling, the special ones included.</summary>
    public bool TryGetId(ReadOnlySpan<char> token, out int id) => _lookup.TryGetValue(token, out id);

    /// <summary>The id of <paramref name="token"/>, or <see cref="UnknownId"/>.</summary>
    public int IdOrUnknown(ReadOnlySpan<char> token) => _lookup.TryGetValue(token, out int id) ? id : UnknownId;

    /// <summary>Whether <paramref name="id"/> is one of the four special tokens.</summary>
    public bool IsSpecial(int id) => id == PaddingId || id == BeginId || id == EndId || id == UnknownId;

    /// <summary>The vocabulary as vocab.json: one JSON map from spelling to id, in the order of ids.</summary>
    public byte[] ToJson()
    {
        using var stream = new MemoryStream();
        // The relaxed encoder leaves non-ASCII text readable; the file is never embedded in HTML.
        var options = new JsonWriterOptions { Indented = false, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var writer = new Utf8JsonWriter(stream, options))
        {
            writer.WriteStartObject();
            for (int id = 0; id < _tokens.Length; id++)
            {
                if (_tokens[id] is { } token)
                {
                    writer.WriteNumber(token, id);
                }
            }

            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Reads a vocab.json, ours or one made elsewhere.</summary>
    /// <param name="path">The file.</param>
    /// <param name="endToken">The spelling that closes every sequence.</param>
    /// <exception cref="UserMistakeException">The file is missing, is no JSON map from spellings to whole numbers, or its ids clash.</exception>
    public static Vocabulary Load(string path, string endToken = EndToken)
    {
        byte[] content = BoundedFile.Read(path, MaximumBytes);
        var reader = new Utf8JsonReader(content);
        var ids = new List<KeyValuePair<string, int>>();
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                throw new UserMistakeException($"{path} is not a vocabulary; it must be a JSON map from tokens to ids.");
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string token = reader.GetString()!;
                if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int id))
                {
                    throw new UserMistakeException(
                        $"{path} gives the token '{Excerpt.Of(token)}' no whole-number id; it must be a JSON map from tokens to ids.");
                }

                ids.Add(KeyValuePair.Create(token, id));
            }

            if (reader.Read())
            {
                throw new UserMistakeException($"{path} continues behind the closing brace; it must be one JSON map from tokens to ids.");
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new UserMistakeException($"{path} is not valid JSON; it must be a JSON map from tokens to ids.", exception);
        }

        return new Vocabulary(ids, endToken);
    }
}
