using System.Globalization;
using System.Text;

namespace GumbelGan.Tokenization;

/// <summary>Text from a file inside a sentence for the user: short, on one line, and without characters that act on a terminal.</summary>
public static class Excerpt
{
    private const int LongestExcerpt = 40;

    /// <summary>The beginning of <paramref name="text"/> with control, format and unpaired surrogate characters as their code points.</summary>
    public static string Of(string text)
    {
        var excerpt = new StringBuilder();
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (excerpt.Length >= LongestExcerpt)
            {
                return excerpt.Append("...").ToString();
            }

            bool visible = Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
            excerpt.Append(visible ? rune.ToString() : $"<U+{rune.Value:X4}>");
        }

        return excerpt.ToString();
    }
}
