using System.Text;

namespace GumbelGan.Tokenization;

/// <summary>
/// A sequence as one line of a text file. Control characters other than TAB (U+0000 to U+001F, U+007F) would end the line, make the file unreadable
/// or act on a terminal. Each is written as its control picture (U+2400 to U+241F, U+2421), so LF as "␊". Where the text itself has a control picture
/// or "␦" (U+2426), a mark "␦" is written before it. All other text is written as it is, so that lines of an ordinary corpus stay as they are.
/// </summary>
public static class SequenceLine
{
    private const char FirstPicture = '\u2400', LastPicture = '\u241F', DeletePicture = '\u2421', Mark = '\u2426', Delete = '\u007F';

    /// <summary>The line that stands for <paramref name="text"/>; it holds neither LF nor CR nor NUL.</summary>
    public static string Of(string text)
    {
        if (!text.Any(letter => IsControl(letter) || IsPicture(letter)))
        {
            return text;
        }

        var line = new StringBuilder(text.Length + 8);
        foreach (char letter in text)
        {
            if (IsPicture(letter))
            {
                line.Append(Mark);
            }

            line.Append(!IsControl(letter) ? letter : letter == Delete ? DeletePicture : (char)(FirstPicture + letter));
        }

        return line.ToString();
    }

    /// <summary>The text that <paramref name="line"/> stands for: undoes <see cref="Of"/>.</summary>
    public static string Text(string line)
    {
        var text = new StringBuilder(line.Length);
        for (int i = 0; i < line.Length; i++)
        {
            char letter = line[i];
            if (letter == Mark && i + 1 < line.Length && IsPicture(line[i + 1]))
            {
                text.Append(line[++i]);
            }
            else
            {
                text.Append(!IsPicture(letter) || letter == Mark ? letter : letter == DeletePicture ? Delete : (char)(letter - FirstPicture));
            }
        }

        return text.ToString();
    }

    private static bool IsControl(char letter) => letter is (< ' ' and not '\t') or Delete;

    // U+2409, the picture of TAB, is one of them although a TAB is written as it is: so Text undoes all pictures by one rule.
    private static bool IsPicture(char letter) => letter is (>= FirstPicture and <= LastPicture) or DeletePicture or Mark;
}
