using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace GumbelGan.Tokenization;

/// <summary>
/// GPT-2's cuts: <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>, on Unicode scalar values. (A .NET regular
/// expression sees UTF-16 units and would call half the letters beyond U+FFFF symbols.) The pieces cover the text without gaps.
/// </summary>
public sealed class ByteLevelPreTokenizer : PreTokenizer
{
    private enum Class
    {
        Space,
        Letter,
        Number,
        Other,
    }

    /// <summary>The one instance anybody needs.</summary>
    public static ByteLevelPreTokenizer Instance { get; } = new();

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return PreTokenize(text.AsSpan());
    }

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text)
    {
        var pieces = new List<(int, int)>((text.Length / 4) + 1);
        int position = 0;
        while (position < text.Length)
        {
            int end = EndOfPiece(text, position);
            pieces.Add((position, end - position));
            position = end;
        }

        return pieces;
    }

    /// <summary>Where the piece that starts at <paramref name="start"/> ends.</summary>
    internal static int EndOfPiece(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && Contraction(text[(start + 1)..]) is var suffix and > 0)
        {
            return start + 1 + suffix;
        }

        int first = text[start] == ' ' && start + 1 < text.Length ? start + 1 : start;
        Class kind = ClassAt(text, first, out int width);
        if (kind != Class.Space)
        {
            int end = first + width;
            while (end < text.Length && ClassAt(text, end, out width) == kind)
            {
                end += width;
            }

            return end;
        }

        int after = start + 1;
        while (after < text.Length && ClassAt(text, after, out _) == Class.Space)
        {
            after++;
        }

        // A run before something else leaves its last space to that, unless it is the only one.
        return after == text.Length || after == start + 1 ? after : after - 1;
    }

    private static int Contraction(ReadOnlySpan<char> rest) => rest switch
    {
        ['s' or 't' or 'm' or 'd', ..] => 1,
        ['r', 'e', ..] or ['v', 'e', ..] or ['l', 'l', ..] => 2,
        _ => 0,
    };

    private static Class ClassAt(ReadOnlySpan<char> text, int position, out int width)
    {
        char unit = text[position];
        width = 1;
        if (char.IsAscii(unit))
        {
            return char.IsAsciiLetter(unit) ? Class.Letter
                : char.IsAsciiDigit(unit) ? Class.Number
                : unit is ' ' or (>= '\t' and <= '\r') ? Class.Space
                : Class.Other;
        }

        Rune.DecodeFromUtf16(text[position..], out Rune rune, out width);
        return Rune.IsWhiteSpace(rune) ? Class.Space : Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Class.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Class.Number,
            _ => Class.Other,
        };
    }
}
