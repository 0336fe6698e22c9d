using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace GumbelGan.Tokenization;

/// <summary>
/// One id a Unicode scalar value. Lossless on text whose characters are all in the vocabulary, and with the byte fallback on every text;
/// without it other characters become the unknown id.
/// </summary>
public sealed class CharTokenizer : TextTokenizer
{
    private readonly Dictionary<Rune, int> _ids = [];
    private readonly int[]? _byteIds;
    private readonly Dictionary<int, byte> _bytes = [];

    internal CharTokenizer(TokenizerOptions options, Vocabulary vocabulary)
        : base(options, vocabulary)
    {
        foreach ((string token, int id) in vocabulary.Ids)
        {
            if (Rune.DecodeFromUtf16(token, out Rune rune, out int width) == System.Buffers.OperationStatus.Done && width == token.Length)
            {
                _ids[rune] = id;
            }
        }

        if (options.ByteFallback)
        {
            _byteIds = new int[256];
            for (int value = 0; value < 256; value++)
            {
                if (!vocabulary.TryGetId(ByteToken((byte)value), out int id))
                {
                    throw new Storage.UserMistakeException(
                        $"The vocabulary lacks the token '{ByteToken((byte)value)}', which the byte fallback needs.");
                }

                _byteIds[value] = id;
                _bytes[id] = (byte)value;
            }
        }
    }

    /// <summary>The spelling of a byte token; its space keeps it apart from every character.</summary>
    internal static string ByteToken(byte value) => string.Create(CultureInfo.InvariantCulture, $"<byte {value:X2}>");

    /// <summary>The vocabulary with 256 byte tokens behind it.</summary>
    internal static Vocabulary WithByteTokens(Vocabulary vocabulary)
    {
        IEnumerable<string> bytes = Enumerable.Range(0, 256).Select(value => ByteToken((byte)value));
        return new Vocabulary(vocabulary.Ids.Concat(bytes.Select((token, index) => KeyValuePair.Create(token, vocabulary.Count + index))));
    }

    private protected override void EncodeNormalized(ReadOnlySpan<char> text, List<int> ids)
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (_ids.TryGetValue(rune, out int id))
            {
                ids.Add(id);
            }
            else if (_byteIds is null)
            {
                ids.Add(UnknownId);
            }
            else
            {
                foreach (byte value in utf8[..rune.EncodeToUtf8(utf8)])
                {
                    ids.Add(_byteIds[value]);
                }
            }
        }
    }

    private protected override IEnumerable<EncodedToken> TokenizeNormalized(string text, bool preTokenize)
    {
        var ids = new List<int>();
        int offset = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            ids.Clear();
            EncodeNormalized(text.AsSpan(offset, rune.Utf16SequenceLength), ids);
            foreach (int id in ids)
            {
                yield return new EncodedToken(id, Vocabulary[id], offset..(offset + rune.Utf16SequenceLength));
            }

            offset += rune.Utf16SequenceLength;
        }
    }

    private protected override string DecodeContent(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder();
        var pending = new List<byte>();
        foreach (int id in ids)
        {
            if (_bytes.TryGetValue(id, out byte value))
            {
                pending.Add(value);
                continue;
            }

            Flush(text, pending);
            text.Append(id == UnknownId ? UnknownText : Vocabulary[id]);
        }

        Flush(text, pending);
        return text.ToString();
    }

    private static void Flush(StringBuilder text, List<byte> pending)
    {
        text.Append(Encoding.UTF8.GetString([.. pending]));
        pending.Clear();
    }
}
