using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using GumbelGan.Storage;
using Microsoft.ML.Tokenizers;

namespace GumbelGan.Tokenization;

/// <summary>
/// A tokenizer with a vocabulary and special tokens: what training, sampling and evaluation use. Encoding adds neither begin nor end; decoding
/// stops at the end token and leaves out padding and begin.
/// </summary>
public abstract class TextTokenizer : Tokenizer
{
    internal const string OptionsFile = "options.json";
    internal const string VocabularyFile = "vocab.json";

    /// <summary>How an unknown token reads in decoded text: U+FFFD, the replacement character.</summary>
    public const string UnknownText = "\uFFFD";

    private const int MaximumOptionsBytes = 4 << 20;

    private static readonly JsonSerializerOptions _optionsFormat = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    private protected TextTokenizer(TokenizerOptions options, Vocabulary vocabulary)
    {
        options.Validate();
        (Options, Vocabulary) = (options, vocabulary);
    }

    /// <summary>The files that a tokenizer may have in its folder.</summary>
    public static IReadOnlyList<string> FileNames { get; } = [OptionsFile, VocabularyFile, BytePairTokenizer.MergesFile];

    /// <summary>How this tokenizer cuts text.</summary>
    public TokenizerOptions Options { get; }

    /// <summary>Its tokens and their ids.</summary>
    public Vocabulary Vocabulary { get; }

    /// <summary>The padding id; 0 unless the files were made elsewhere.</summary>
    public int PaddingId => Vocabulary.PaddingId;

    /// <summary>The begin id; 1 unless the files were made elsewhere.</summary>
    public int BeginId => Vocabulary.BeginId;

    /// <summary>The end id; 2 unless the files were made elsewhere.</summary>
    public int EndId => Vocabulary.EndId;

    /// <summary>The unknown id; 3 unless the files were made elsewhere.</summary>
    public int UnknownId => Vocabulary.UnknownId;

    /// <summary>SHA-256 of vocab.json in lower-case hexadecimal: the identity of the vocabulary in a run's environment.json.</summary>
    public string VocabularySha256 => Convert.ToHexStringLower(SHA256.HashData(Vocabulary.ToJson()));

    /// <inheritdoc/>
    public override Normalizer? Normalizer => Options.Lowercase ? LowerCaseNormalizer.Instance : null;

    /// <summary>The ids of <paramref name="text"/>, without begin and end tokens.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>Ids in text order; no special id but the unknown one occurs.</returns>
    public int[] Encode(string text)
    {
        var ids = new List<int>();
        Encode(text, ids);
        return [.. ids];
    }

    /// <summary>Appends the ids of <paramref name="text"/> to <paramref name="ids"/>; see <see cref="Encode(string)"/>.</summary>
    public void Encode(string text, List<int> ids) => EncodeNormalized(Options.Lowercase ? text.ToLowerInvariant() : text, ids);

    /// <summary>The first part of <paramref name="text"/> that becomes the unknown token, as the vocabulary would spell it; null for none.</summary>
    public string? FirstUnknown(string text)
    {
        string normalized = Options.Lowercase ? text.ToLowerInvariant() : text;
        return TokenizeNormalized(normalized, preTokenize: true).Where(token => token.Id == UnknownId)
            .Select(token => normalized[token.Offset]).FirstOrDefault();
    }

    /// <summary>The text of <paramref name="ids"/> up to the end token; padding and begin tokens are left out, unknown reads U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids)
    {
        int end = ids.IndexOf(EndId);
        var content = new List<int>(ids.Length);
        foreach (int id in end < 0 ? ids : ids[..end])
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id, nameof(ids));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, Vocabulary.Count, nameof(ids));
            if (id != PaddingId && id != BeginId)
            {
                content.Add(id);
            }
        }

        return DecodeContent(CollectionsMarshal.AsSpan(content));
    }

    /// <summary>The text of <paramref name="ids"/>; see <see cref="Decode(ReadOnlySpan{int})"/>.</summary>
    public sealed override string Decode(IEnumerable<int> ids) => Decode([.. ids]);

    /// <inheritdoc/>
    public sealed override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        int[] all = [.. ids];
        string text = Decode(all.AsSpan());
        idsConsumed = all.Length;
        if (text.Length > destination.Length)
        {
            // The longest prefix of the ids whose text fits and begins the full text: one that ends within a character would not.
            string prefix = text;
            do
            {
                prefix = Decode(all.AsSpan(0, --idsConsumed));
            }
            while (prefix.Length > destination.Length || !text.StartsWith(prefix, StringComparison.Ordinal));
            prefix.CopyTo(destination);
            charsWritten = prefix.Length;
            return OperationStatus.DestinationTooSmall;
        }

        text.CopyTo(destination);
        charsWritten = text.Length;
        return OperationStatus.Done;
    }

    /// <summary>Writes everything needed to encode and decode into <paramref name="folder"/>, which is made if absent.</summary>
    /// <exception cref="UserMistakeException">The folder cannot be written.</exception>
    public void Save(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            foreach ((string name, byte[] content) in Files())
            {
                AtomicFile.WriteAllBytes(Path.Combine(folder, name), content);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserMistakeException(
                $"The tokenizer cannot be written to {folder} ({exception.Message.TrimEnd('.')}); choose another folder.", exception);
        }
    }

    /// <summary>Reads a tokenizer that <see cref="Save"/> wrote, or a folder with only GPT-2-style vocab.json and merges.txt.</summary>
    /// <exception cref="UserMistakeException">The folder or a file in it is missing or malformed.</exception>
    public static TextTokenizer Load(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new UserMistakeException($"{folder} is not a folder; name the folder of a tokenizer, for example runs/NAME/tokenizer.");
        }

        string optionsPath = Path.Combine(folder, OptionsFile), vocabularyPath = Path.Combine(folder, VocabularyFile);
        string mergesPath = Path.Combine(folder, BytePairTokenizer.MergesFile);
        if (!File.Exists(optionsPath) && File.Exists(mergesPath))
        {
            return BytePairTokenizer.Load(vocabularyPath, mergesPath);
        }

        TokenizerOptions options = LoadOptions(optionsPath);
        options.Validate();
        return options.Kind switch
        {
            TokenizerKind.Word or TokenizerKind.Number => new WordTokenizer(options, Vocabulary.Load(vocabularyPath)),
            TokenizerKind.Char => new CharTokenizer(options, Vocabulary.Load(vocabularyPath)),
            TokenizerKind.Bpe or TokenizerKind.Gpt2 => BytePairTokenizer.Load(vocabularyPath, mergesPath, options),
            _ => throw new InvalidOperationException($"No tokenizer of kind {options.Kind}."),
        };
    }

    /// <summary>A tokenizer whose vocabulary comes from <paramref name="lines"/>.</summary>
    /// <exception cref="UserMistakeException">An option is out of range.</exception>
    public static TextTokenizer Train(IEnumerable<string> lines, TokenizerOptions options)
    {
        TokenizerBuilder builder = TokenizerBuilder.For(options);
        foreach (string line in lines)
        {
            builder.Add(line);
        }

        return builder.Build();
    }

    /// <summary>Appends the ids of text that is normalised already.</summary>
    private protected abstract void EncodeNormalized(ReadOnlySpan<char> text, List<int> ids);

    /// <summary>Tokens with offsets, in text order, of text that is normalised already.</summary>
    private protected abstract IEnumerable<EncodedToken> TokenizeNormalized(string text, bool preTokenize);

    /// <summary>The text of ids; of the special ones only the unknown id occurs.</summary>
    private protected abstract string DecodeContent(ReadOnlySpan<int> ids);

    /// <summary>The files of <see cref="Save"/>, by name.</summary>
    private protected virtual IEnumerable<(string Name, byte[] Content)> Files()
    {
        yield return (OptionsFile, [.. JsonSerializer.SerializeToUtf8Bytes(Options, _optionsFormat), (byte)'\n']);
        yield return (VocabularyFile, Vocabulary.ToJson());
    }

    /// <inheritdoc/>
    protected sealed override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        if (settings.MaxTokenCount <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(settings), "The maximum number of tokens must be greater than zero.");
        }

        string original = text ?? new string(textSpan);
        bool normalize = settings.ConsiderNormalization && Options.Lowercase;
        string normalized = normalize ? original.ToLowerInvariant() : original;
        var tokens = new List<EncodedToken>();
        int consumed = normalized.Length;
        foreach (EncodedToken token in TokenizeNormalized(normalized, settings.ConsiderPreTokenization))
        {
            if (tokens.Count == settings.MaxTokenCount)
            {
                consumed = tokens[^1].Offset.End.Value;
                break;
            }

            tokens.Add(token);
        }

        return new EncodeResults<EncodedToken> { Tokens = tokens, NormalizedText = normalize ? normalized : null, CharsConsumed = consumed };
    }

    private static TokenizerOptions LoadOptions(string path)
    {
        try
        {
            byte[] content = BoundedFile.Read(path, MaximumOptionsBytes);
            TokenizerOptions options = JsonSerializer.Deserialize<TokenizerOptions>(content, _optionsFormat)
                ?? throw new UserMistakeException($"{path} is null; it must be the options that the tokenizer was saved with.");
            using var written = JsonDocument.Parse(content);
            // A file without this option is of an earlier version, which cut words at code points; its vocabulary needs that still.
            return written.RootElement.TryGetProperty("graphemeClusters", out _) ? options : options with { GraphemeClusters = false };
        }
        catch (JsonException exception)
        {
            string where = exception.LineNumber is { } line ? $", line {line + 1}" : "";
            throw new UserMistakeException(
                $"{path}{where} does not hold tokenizer options; it must be the JSON map that the tokenizer was saved with.", exception);
        }
    }
}
