using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace GumbelGan.Tokenization;

/// <summary>
/// GPT-2's pre-tokenizer (Radford et al. 2019): <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>.
/// It is matched on Unicode scalar values; a .NET regular expression matches UTF-16 units and takes letters beyond U+FFFF for symbols.
/// The pieces cover the text without gaps.
/// </summary>
public sealed class ByteLevelPreTokenizer : PreTokenizer
{
    private enum CharacterClass
    {
        Space,
        Letter,
        Number,
        Other,
    }

    /// <summary>The shared instance; it has no state.</summary>
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
        CharacterClass kind = ClassAt(text, first, out int width);
        if (kind != CharacterClass.Space)
        {
            int end = first + width;
            while (end < text.Length && ClassAt(text, end, out width) == kind)
            {
                end += width;
            }

            return end;
        }

        int after = start + 1;
        while (after < text.Length && ClassAt(text, after, out _) == CharacterClass.Space)
        {
            after++;
        }

        // \s+(?!\S): white space before other text leaves its last space to the next piece, unless it has only one.
        return after == text.Length || after == start + 1 ? after : after - 1;
    }

    private static int Contraction(ReadOnlySpan<char> rest) => rest switch
    {
        ['s' or 't' or 'm' or 'd', ..] => 1,
        ['r', 'e', ..] or ['v', 'e', ..] or ['l', 'l', ..] => 2,
        _ => 0,
    };

    private static CharacterClass ClassAt(ReadOnlySpan<char> text, int position, out int width)
    {
        char unit = text[position];
        width = 1;
        if (char.IsAscii(unit))
        {
            return char.IsAsciiLetter(unit) ? CharacterClass.Letter
                : char.IsAsciiDigit(unit) ? CharacterClass.Number
                : unit is ' ' or (>= '\t' and <= '\r') ? CharacterClass.Space
                : CharacterClass.Other;
        }

        Rune.DecodeFromUtf16(text[position..], out Rune rune, out width);
        return Rune.IsWhiteSpace(rune) ? CharacterClass.Space : Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => CharacterClass.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterClass.Number,
            _ => CharacterClass.Other,
        };
    }
}
