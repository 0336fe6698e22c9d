using System.Globalization;
using System.Text;

namespace GumbelGan.Storage;

/// <summary>
/// Text from outside as a terminal may have it. A corpus, a run's file or a file's name can hold anything, escape codes that rewrite the screen or
/// the title included; what goes to a terminal goes through here.
/// </summary>
public static class HarmlessText
{
    private static readonly Rune _instead = new('?');

    /// <summary><paramref name="text"/> on one line, a question mark for each character that acts instead of being seen.</summary>
    public static string Of(string text) => Filter(text, keepsLines: false);

    /// <summary>The same, but lines stay lines and tabs stay tabs.</summary>
    public static string Lines(string text) => Filter(text, keepsLines: true);

    // Most text is harmless, and is then the very same string.
    private static string Filter(string text, bool keepsLines)
    {
        var harmless = new StringBuilder(text.Length);
        bool isChanged = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool acts = Acts(rune) && !(keepsLines && (rune.Value is '\n' or '\t'));
            isChanged |= acts;
            harmless.Append(acts ? _instead : rune);
        }

        return isChanged ? harmless.ToString() : text;
    }

    // Control characters, C1 included, and what turns the direction of the text after it. Other format characters join emoji and letters.
    private static bool Acts(Rune rune) => Rune.IsControl(rune)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        || rune.Value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);
}
