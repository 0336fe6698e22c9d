using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace GumbelGan.Tokenization;

/// <summary>
/// Cuts text into words. With punctuation split off, every punctuation mark or symbol is a piece of its own, except that apostrophes, hyphens and
/// underscores inside a word ("it's", "t-shirt"), points and commas inside a number ("3.5") and runs of points or hyphens ("...") stay together.
/// What a reader sees as one character (a grapheme cluster of UAX #29: a flag, an emoji with its skin tone, joiners or variation selector, a letter
/// with its accents) is never cut.
/// </summary>
/// <param name="splitPunctuation">Whether punctuation is split off; otherwise pieces are what stands between white space.</param>
/// <param name="graphemeClusters">Whether grapheme clusters stay whole; false cuts at code points, as vocabularies of earlier versions need.</param>
public sealed class WordPreTokenizer(bool splitPunctuation, bool graphemeClusters = true) : PreTokenizer
{
    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return PreTokenize(text.AsSpan());
    }

    /// <inheritdoc/>
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text)
    {
        var pieces = new List<(int, int)>();
        for (int position = 0; TryNext(text, ref position, out int start, out int length);)
        {
            pieces.Add((start, length));
        }

        return pieces;
    }

    /// <summary>The next piece at or behind <paramref name="position"/>, which moves behind it.</summary>
    internal bool TryNext(ReadOnlySpan<char> text, ref int position, out int start, out int length)
    {
        while (position < text.Length && char.IsWhiteSpace(text[position]))
        {
            position++;
        }

        start = position;
        if (position < text.Length)
        {
            position = splitPunctuation ? EndOfPiece(text, position) : EndOfRun(text, position);
        }

        length = position - start;
        return length > 0;
    }

    private static int EndOfRun(ReadOnlySpan<char> text, int position)
    {
        while (position < text.Length && !char.IsWhiteSpace(text[position]))
        {
            position++;
        }

        return position;
    }

    private int EndOfPiece(ReadOnlySpan<char> text, int position)
    {
        int start = position;
        char first = text[position];
        if (IsMark(text, position, out int width))
        {
            position += width;
            if (width > 1)
            {
                return position;
            }

            while (first is '.' or '-' && position < text.Length && text[position] == first)
            {
                position++;
            }

            return position;
        }

        while (position < text.Length && !char.IsWhiteSpace(text[position]))
        {
            if (IsMark(text, position, out width) && !(position > start && Joins(text, position)))
            {
                break;
            }

            position += width;
        }

        return position;
    }

    private static bool Joins(ReadOnlySpan<char> text, int position)
    {
        if (position + 1 >= text.Length)
        {
            return false;
        }

        char before = text[position - 1], after = text[position + 1];
        return text[position] switch
        {
            '\'' or '\u2019' or '-' or '_' => char.IsLetterOrDigit(before) && char.IsLetterOrDigit(after),
            '.' or ',' => char.IsAsciiDigit(before) && char.IsAsciiDigit(after),
            _ => false,
        };
    }

    /// <summary>
    /// Whether a punctuation mark or symbol stands at <paramref name="position"/>; <paramref name="width"/> counts UTF-16 units until the next.
    /// </summary>
    private bool IsMark(ReadOnlySpan<char> text, int position, out int width)
    {
        char unit = text[position];
        if (char.IsAscii(unit))
        {
            width = ClusterLength(text, position, 1);
            return char.IsPunctuation(unit) || char.IsSymbol(unit);
        }

        // An unpaired surrogate decodes to U+FFFD and a width of one.
        Rune.DecodeFromUtf16(text[position..], out Rune rune, out width);
        width = ClusterLength(text, position, width);
        return Rune.GetUnicodeCategory(rune) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherSymbol;
    }

    // UTF-16 units of the grapheme cluster that begins here. White space ends it, even where UAX #29 would include it.
    private int ClusterLength(ReadOnlySpan<char> text, int position, int width)
    {
        int next = position + width;
        if (!graphemeClusters || next >= text.Length || (char.IsAscii(text[position]) && char.IsAscii(text[next])))
        {
            return width;
        }

        int whole = StringInfo.GetNextTextElementLength(text[position..]);
        for (int i = width; i < whole; i++)
        {
            if (char.IsWhiteSpace(text[position + i]))
            {
                return i;
            }
        }

        return whole;
    }
}
