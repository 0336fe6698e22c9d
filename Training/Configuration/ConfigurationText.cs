using System.Text;
using GumbelGan.Storage;

namespace GumbelGan.Training.Configuration;

/// <summary>How text from outside is quoted in messages.</summary>
internal static class ConfigurationText
{
    private const int Longest = 80;

    /// <summary>
    /// <paramref name="text"/> on one line, at most 80 characters and without control characters: a hostile file must not be able to
    /// fill the terminal or send it escape codes.
    /// </summary>
    public static string Shown(string text)
    {
        var shown = new StringBuilder();
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (shown.Length >= Longest)
            {
                shown.Append("...");
                break;
            }

            shown.Append(rune == Rune.ReplacementChar ? "?" : rune.ToString());
        }

        return HarmlessText.Of(shown.ToString());
    }
}
