using System.Buffers;

namespace Microsoft.ML.Tokenizers;

/// <summary>Text to ids and back; concrete tokenizers supply <see cref="EncodeToTokens(string?, ReadOnlySpan{char}, EncodeSettings)"/> and one Decode.</summary>
public abstract class Tokenizer
{
    /// <summary>Nothing to set up.</summary>
    protected Tokenizer()
    {
    }

    /// <summary>What cuts the text first, if anything.</summary>
    public virtual PreTokenizer? PreTokenizer => null;

    /// <summary>What rewrites the text first, if anything.</summary>
    public virtual Normalizer? Normalizer => null;

    /// <summary>Tokens of <paramref name="text"/>, or of <paramref name="textSpan"/> where the former is null.</summary>
    protected abstract EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings);

    /// <summary>Text of the ids, as many as fit; both counts say how far it came.</summary>
    public abstract OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten);

    /// <summary>Ids of <paramref name="text"/>, or of <paramref name="textSpan"/> where the former is null.</summary>
    protected virtual EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        EncodeResults<EncodedToken> tokens = EncodeToTokens(text, textSpan, settings);
        return new EncodeResults<int>
        {
            Tokens = [.. tokens.Tokens.Select(token => token.Id)],
            NormalizedText = tokens.NormalizedText,
            CharsConsumed = tokens.CharsConsumed,
        };
    }

    /// <summary>How many ids the text has.</summary>
    protected virtual int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        EncodeToTokens(text, textSpan, settings).Tokens.Count;

    /// <summary>How far from the start (or, with <paramref name="fromEnd"/>, from where to the end) the text fits the token limit.</summary>
    protected virtual int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        int limit = settings.MaxTokenCount;
        if (limit <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(settings), "The maximum number of tokens must be greater than zero.");
        }

        if (fromEnd)
        {
            settings.MaxTokenCount = int.MaxValue;
        }

        EncodeResults<EncodedToken> result = EncodeToTokens(text, textSpan, settings);
        normalizedText = result.NormalizedText;
        tokenCount = Math.Min(limit, result.Tokens.Count);
        if (!fromEnd)
        {
            return result.Tokens.Count <= limit ? result.CharsConsumed : result.Tokens[limit - 1].Offset.End.Value;
        }

        return result.Tokens.Count <= limit ? 0 : result.Tokens[^limit].Offset.Start.Value;
    }

    /// <summary>Ids of the whole text.</summary>
    public IReadOnlyList<int> EncodeToIds(string text, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return EncodeToIds(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization, int.MaxValue)).Tokens;
    }

    /// <summary>Ids of the whole text.</summary>
    public IReadOnlyList<int> EncodeToIds(ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true) =>
        EncodeToIds(null, text, Settings(considerPreTokenization, considerNormalization, int.MaxValue)).Tokens;

    /// <summary>Ids of as much text as fits <paramref name="maxTokenCount"/>.</summary>
    public IReadOnlyList<int> EncodeToIds(
        string text, int maxTokenCount, out string? normalizedText, out int charsConsumed,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        EncodeResults<int> result = EncodeToIds(
            text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization, maxTokenCount));
        (normalizedText, charsConsumed) = (result.NormalizedText, result.CharsConsumed);
        return result.Tokens;
    }

    /// <summary>Tokens of the whole text.</summary>
    public IReadOnlyList<EncodedToken> EncodeToTokens(
        string text, out string? normalizedText, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        EncodeResults<EncodedToken> result = EncodeToTokens(
            text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization, int.MaxValue));
        normalizedText = result.NormalizedText;
        return result.Tokens;
    }

    /// <summary>How many ids the whole text has.</summary>
    public int CountTokens(string text, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return CountTokens(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization, int.MaxValue));
    }

    /// <summary>The index after the last character whose tokens fit <paramref name="maxTokenCount"/>.</summary>
    public int GetIndexByTokenCount(
        string text, int maxTokenCount, out string? normalizedText, out int tokenCount,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        EncodeSettings settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        return GetIndexByTokenCount(text, text.AsSpan(), settings, false, out normalizedText, out tokenCount);
    }

    /// <summary>The index of the first character from which the text to its end fits <paramref name="maxTokenCount"/>.</summary>
    public int GetIndexByTokenCountFromEnd(
        string text, int maxTokenCount, out string? normalizedText, out int tokenCount,
        bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        EncodeSettings settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        return GetIndexByTokenCount(text, text.AsSpan(), settings, true, out normalizedText, out tokenCount);
    }

    /// <summary>The text of the ids.</summary>
    public virtual string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        List<int> materialised = [.. ids];
        char[] buffer = new char[Math.Max(64, materialised.Count * 8)];
        while (true)
        {
            switch (Decode(materialised, buffer, out _, out int charsWritten))
            {
                case OperationStatus.Done:
                    return new string(buffer, 0, charsWritten);
                case OperationStatus.DestinationTooSmall:
                    buffer = new char[buffer.Length * 2];
                    break;
                default:
                    throw new InvalidOperationException("The ids do not decode to text.");
            }
        }
    }

    private static EncodeSettings Settings(bool considerPreTokenization, bool considerNormalization, int maxTokenCount) => new()
    {
        ConsiderPreTokenization = considerPreTokenization,
        ConsiderNormalization = considerNormalization,
        MaxTokenCount = maxTokenCount,
    };
}
