using System.Buffers;
using System.Text;

namespace Microsoft.ML.Tokenizers;

/// <summary>
/// The byte-level alphabet of GPT-2's vocab.json: printable Latin-1 letters stand for themselves, the other 68 bytes, in order, for U+0100 and on.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Letters = new char[256];
    private static readonly short[] Bytes = new short[0x144];

    static ByteAlphabet()
    {
        Array.Fill(Bytes, (short)-1);
        int extra = 0x100;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            Letters[value] = (char)(printable ? value : extra++);
            Bytes[Letters[value]] = (short)value;
        }
    }

    internal static char Letter(byte value) => Letters[value];

    /// <summary>Writes the bytes that a token spells; a letter outside the alphabet (an added token of a file made elsewhere) spells itself.</summary>
    internal static void Write(string token, ArrayBufferWriter<byte> destination)
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in token.EnumerateRunes())
        {
            if (rune.Value < Bytes.Length && Bytes[rune.Value] >= 0)
            {
                destination.Write([(byte)Bytes[rune.Value]]);
            }
            else
            {
                destination.Write(utf8[..rune.EncodeToUtf8(utf8)]);
            }
        }
    }
}
