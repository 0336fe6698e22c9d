using System.Globalization;
using System.Text;

namespace GumbelGan.Training.Recording;

/// <summary>
/// Text for TensorBoard's text dashboard, which renders Markdown (Python-Markdown with tables and fenced code) and cleans HTML: a fenced block is the
/// one place where everything is shown as it is written, marks and entities included.
/// </summary>
public static class VerbatimText
{
    private const int ShortestFence = 3;

    /// <summary><paramref name="text"/> as a block that is shown as written; control characters other than line ends are written out.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="language">What the block is in, for whoever highlights it; may be empty.</param>
    public static string Block(string text, string language = "")
    {
        int longest = 0, run = 0;
        var shown = new StringBuilder();
        foreach (char letter in text)
        {
            run = letter == '`' ? run + 1 : 0;
            longest = Math.Max(longest, run);
            _ = char.IsControl(letter) && letter != '\n'
                ? shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:X4}") : shown.Append(letter);
        }

        // The block ends at the first line that is its fence, so that one is longer than any within.
        string fence = new('`', Math.Max(ShortestFence, longest + 1));
        return $"{fence}{language}\n{shown.ToString().TrimEnd('\n')}\n{fence}\n";
    }
}
