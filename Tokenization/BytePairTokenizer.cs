using System.Text;
using GumbelGan.Storage;
using Microsoft.ML.Tokenizers;

namespace GumbelGan.Tokenization;

/// <summary>
/// Byte-level byte-pair encoding with GPT-2's file formats (vocab.json, merges.txt). Every text has ids, and decoding gives it back exactly;
/// the ids are those of any other implementation given the same two files.
/// </summary>
public sealed class BytePairTokenizer : TextTokenizer
{
    internal const string MergesFile = "merges.txt";
    internal const string VersionLine = "#version";

    private readonly BpeTokenizer _encoder;

    internal BytePairTokenizer(TokenizerOptions options, Vocabulary vocabulary, IReadOnlyList<string> merges)
        : base(options, vocabulary)
    {
        Merges = merges;
        // No special tokens are given to the encoder, so none is ever looked for in text.
        _encoder = BpeTokenizer.Create(new BpeOptions(vocabulary.Ids)
        {
            ByteLevel = true,
            Merges = merges,
            PreTokenizer = ByteLevelPreTokenizer.Instance,
        });
    }

    /// <inheritdoc/>
    public override PreTokenizer PreTokenizer => ByteLevelPreTokenizer.Instance;

    /// <summary>The merges, each two tokens of the byte-level alphabet separated by a space, in order of rank.</summary>
    public IReadOnlyList<string> Merges { get; }

    /// <summary>Reads vocab.json and merges.txt, ours or GPT-2-style files made elsewhere.</summary>
    /// <param name="vocabularyPath">JSON map from tokens to ids.</param>
    /// <param name="mergesPath">One merge a line; a first line #version is skipped.</param>
    /// <param name="options">The options that the files were made with; null for files made elsewhere.</param>
    /// <exception cref="UserMistakeException">
    /// A file is missing or malformed, the vocabulary lacks one of the 256 byte tokens, or a merge names a token that it lacks.
    /// </exception>
    public static BytePairTokenizer Load(string vocabularyPath, string mergesPath, TokenizerOptions? options = null)
    {
        Vocabulary vocabulary = Vocabulary.Load(vocabularyPath, options?.Kind == TokenizerKind.Gpt2 ? Gpt2Encoding.EndOfText : Vocabulary.EndToken);
        for (int value = 0; value < 256; value++)
        {
            if (!vocabulary.TryGetId([ByteLevelAlphabet.Letter((byte)value)], out _))
            {
                throw new UserMistakeException(
                    $"{vocabularyPath} lacks the token '{ByteLevelAlphabet.Letter((byte)value)}' of byte {value}; byte-level BPE needs a token for "
                        + "each of the 256 bytes.");
            }
        }

        string[] lines;
        try
        {
            lines = StrictUtf8.Encoding.GetString(BoundedFile.Read(mergesPath, Vocabulary.MaximumBytes)).Split('\n');
        }
        catch (DecoderFallbackException exception)
        {
            throw new UserMistakeException($"{mergesPath} is not valid UTF-8 at byte {exception.Index}; it must hold one merge a line.", exception);
        }

        var merges = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int number = 1; number <= lines.Length; number++)
        {
            string line = lines[number - 1].TrimEnd('\r');
            if (line.Length == 0 || line.StartsWith(VersionLine, StringComparison.Ordinal))
            {
                continue;
            }

            string[] pair = line.Split(' ');
            if (pair.Length != 2 || pair[0].Length == 0 || pair[1].Length == 0)
            {
                throw new UserMistakeException($"{mergesPath}, line {number}: '{Excerpt.Of(line)}' is not two tokens separated by one space.");
            }

            foreach (string token in (string[])[pair[0], pair[1], pair[0] + pair[1]])
            {
                if (!vocabulary.TryGetId(token, out _))
                {
                    throw new UserMistakeException(
                        $"{mergesPath}, line {number}: the token '{Excerpt.Of(token)}' is not in {vocabularyPath}; the two files must come from "
                            + "one training.");
                }
            }

            if (!seen.Add(line))
            {
                throw new UserMistakeException($"{mergesPath}, line {number}: the merge '{Excerpt.Of(line)}' is listed a second time; remove one.");
            }

            merges.Add(line);
        }

        options ??= new TokenizerOptions { Kind = TokenizerKind.Bpe, Merges = merges.Count };
        return new BytePairTokenizer(options, vocabulary, merges);
    }

    private protected override void EncodeNormalized(ReadOnlySpan<char> text, List<int> ids) =>
        ids.AddRange(_encoder.EncodeToIds(text, considerNormalization: false));

    private protected override IEnumerable<EncodedToken> TokenizeNormalized(string text, bool preTokenize) =>
        _encoder.EncodeToTokens(text, out _, preTokenize, considerNormalization: false);

    private protected override string DecodeContent(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder();
        var run = new List<int>(ids.Length);
        foreach (int id in ids)
        {
            if (id == UnknownId)
            {
                text.Append(_encoder.Decode(run)).Append(UnknownText);
                run.Clear();
            }
            else
            {
                run.Add(id);
            }
        }

        return text.Append(_encoder.Decode(run)).ToString();
    }

    private protected override IEnumerable<(string Name, byte[] Content)> Files()
    {
        foreach ((string, byte[]) file in base.Files())
        {
            yield return file;
        }

        yield return (MergesFile, StrictUtf8.Encoding.GetBytes($"{VersionLine}: 0.2\n" + string.Concat(Merges.Select(merge => merge + "\n"))));
    }
}

/// <summary>The 256 characters that stand for the 256 bytes in GPT-2's vocab.json and merges.txt.</summary>
internal static class ByteLevelAlphabet
{
    private static readonly char[] _letters = MakeLetters();

    /// <summary>The character of a byte.</summary>
    internal static char Letter(byte value) => _letters[value];

    /// <summary>All letters in ascending order: the order of their ids.</summary>
    internal static IEnumerable<char> Ordered() => _letters.Order();

    /// <summary>The bytes written in these characters.</summary>
    internal static string Spell(ReadOnlySpan<byte> bytes)
    {
        char[] letters = new char[bytes.Length];
        for (int i = 0; i < letters.Length; i++)
        {
            letters[i] = _letters[bytes[i]];
        }

        return new string(letters);
    }

    private static char[] MakeLetters()
    {
        char[] letters = new char[256];
        int extra = 0x100;
        for (int value = 0; value < 256; value++)
        {
            // Printable Latin-1 stands for itself; white space, controls and the soft hyphen get letters of their own.
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            letters[value] = (char)(printable ? value : extra++);
        }

        return letters;
    }
}
