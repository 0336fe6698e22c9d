using System.Buffers;
using System.Text;

namespace Microsoft.ML.Tokenizers;

/// <summary>
/// The byte-level alphabet of GPT-2's vocab.json: printable Latin-1 letters stand for themselves, the other 68 bytes, in order, for U+0100 and on.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] _letters = new char[256];
    private static readonly short[] _bytes = new short[0x144];

    static ByteAlphabet()
    {
        Array.Fill(_bytes, (short)-1);
        int extra = 0x100;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            _letters[value] = (char)(printable ? value : extra++);
            _bytes[_letters[value]] = (short)value;
        }
    }

    internal static char Letter(byte value) => _letters[value];

    /// <summary>Writes the bytes that a token spells; a letter outside the alphabet (an added token of a file made elsewhere) spells itself.</summary>
    internal static void Write(string token, ArrayBufferWriter<byte> destination)
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in token.EnumerateRunes())
        {
            if (rune.Value < _bytes.Length && _bytes[rune.Value] >= 0)
            {
                destination.Write([(byte)_bytes[rune.Value]]);
            }
            else
            {
                destination.Write(utf8[..rune.EncodeToUtf8(utf8)]);
            }
        }
    }
}
