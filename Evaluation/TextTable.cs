using System.Text;

namespace GumbelGan.Evaluation;

/// <summary>Tables as plain text, for files; what a terminal shows is fitted to it by the program.</summary>
public static class TextTable
{
    /// <summary>The rows, columns aligned, one line feed a line.</summary>
    /// <param name="rows">The first is the heading; all have as many cells.</param>
    public static string Render(IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        var text = new StringBuilder();
        foreach (string[] row in rows)
        {
            text.Append(string.Join("  ", row.Zip(widths, (cell, width) => cell.PadRight(width))).TrimEnd()).Append('\n');
        }

        return text.ToString();
    }
}
