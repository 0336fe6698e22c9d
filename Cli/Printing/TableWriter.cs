using GumbelGan.Storage;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace GumbelGan.Cli.Printing;

/// <summary>
/// Prints results as tables and sentences. On a terminal nothing is wider than it: cells break between words, and a table whose words do not fit side
/// by side is printed as one block of lines a row. In a file or a pipe the same cells stand in columns of plain text, however wide.
/// </summary>
/// <param name="surroundings">Where results go, and how wide that is.</param>
internal sealed class TableWriter(Surroundings surroundings)
{
    private const int Gap = 2, Unbounded = 1 << 20, Least = 20, ReadableWidth = 20;

    private readonly TextWriter _output = surroundings.Output;
    private readonly int? _width = surroundings.TerminalWidth is { } width ? Math.Max(Least, width) : null;

    /// <summary>The columns that there are, or null where results do not go to a terminal.</summary>
    public int? Width => _width;

    /// <summary>Prints a sentence, broken between words where the terminal ends.</summary>
    public void WriteLine(string text = "")
    {
        if (_width is { } width && text.GetCellWidth() > width)
        {
            Print(new Text(HarmlessText.Of(text)), width);
        }
        else
        {
            _output.WriteLine(text);
        }
    }

    /// <summary>Prints a table.</summary>
    /// <param name="rows">The headings, then the rows, equally many cells in each; control characters in cells are harmless.</param>
    /// <param name="numbersFrom">The first of the columns that hold numbers, which stand at the right of their columns.</param>
    public void Write(IReadOnlyList<string[]> rows, int numbersFrom = int.MaxValue)
    {
        string[][] cells = [.. rows.Select(row => row.Select(HarmlessText.Of).ToArray())];
        if (_width is not { } width)
        {
            Print(Columns(cells, [.. cells[0].Select(_ => (int?)null)], numbersFrom, TableBorder.None), Unbounded);
        }
        else if (Widths(cells, width) is { } widths)
        {
            Print(Columns(cells, [.. widths.Select(column => (int?)column)], numbersFrom, TableBorder.Simple), width);
        }
        else
        {
            WriteBlocks(cells);
        }
    }

    /// <summary>Prints names and what each is.</summary>
    public void WritePairs(IEnumerable<(string Name, string Value)> pairs)
    {
        (string Name, string Value)[] all = [.. pairs];
        int room = (_width ?? Unbounded) - Gap - all.Max(pair => pair.Name.GetCellWidth());
        if (room < Math.Min(ReadableWidth, all.Max(pair => LongestWord(pair.Value))))
        {
            Array.ForEach(all, pair => WriteLine($"{pair.Name}: {pair.Value}"));
            return;
        }

        var grid = new Grid().AddColumn(new GridColumn().NoWrap().PadLeft(0).PadRight(Gap)).AddColumn(new GridColumn().PadLeft(0).PadRight(0));
        foreach ((string name, string value) in all)
        {
            grid.AddRow(new Text(HarmlessText.Of(name)), new Text(HarmlessText.Of(value)));
        }

        Print(grid, _width ?? Unbounded);
    }

    // One row after the other, its cells below each other.
    private void WriteBlocks(string[][] cells)
    {
        foreach (string[] row in cells.Skip(1))
        {
            WriteLine(cells[0][0].Length > 0 ? $"{cells[0][0]}: {row[0]}" : row[0]);
            WritePairs(cells[0].Zip(row).Skip(1).Select(pair => ("  " + pair.First, pair.Second)));
            WriteLine();
        }
    }

    private static Table Columns(string[][] cells, int?[] widths, int numbersFrom, TableBorder border)
    {
        // Where cells break, a line between the rows tells where one ends.
        bool breaks = widths.Select((width, column) => cells.Any(row => row[column].GetCellWidth() > width)).Any(isWider => isWider);
        Table table = new Table { UseSafeBorder = true, ShowRowSeparators = breaks && border != TableBorder.None }.Border(border);
        for (int column = 0; column < widths.Length; column++)
        {
            bool isLast = column == widths.Length - 1;
            table.AddColumn(new TableColumn(new Text(cells[0][column]))
            {
                Width = widths[column],
                NoWrap = widths[column] is null,
                Padding = new Padding(0, 0, isLast ? 0 : border == TableBorder.None ? Gap : Gap - 1, 0),
                Alignment = column >= numbersFrom ? Justify.Right : Justify.Left,
            });
        }

        foreach (string[] row in cells.Skip(1))
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        return table;
    }

    // The widest columns give way, down to their longest word. Null where that does not suffice.
    private static int[]? Widths(string[][] cells, int width)
    {
        int[] Of(Func<string, int> measure) =>
            [.. Enumerable.Range(0, cells[0].Length).Select(column => Math.Max(1, cells.Max(row => measure(row[column]))))];
        int[] widths = Of(cell => cell.GetCellWidth()), least = Of(LongestWord);
        int room = width - Frame(widths.Length);
        while (widths.Sum() > room)
        {
            int widest = Enumerable.Range(0, widths.Length).Where(column => widths[column] > least[column])
                .OrderByDescending(column => widths[column]).FirstOrDefault(-1);
            if (widest < 0)
            {
                return null;
            }

            widths[widest]--;
        }

        return widths;
    }

    private static int LongestWord(string text) => text.Split(' ').Max(word => word.GetCellWidth());

    // What the border takes: a blank at both ends, and a gap between two columns.
    private static int Frame(int columns) => 2 + (columns - 1) * Gap;

    private void Print(IRenderable what, int width)
    {
        using var text = new StringWriter { NewLine = "\n" };
        IAnsiConsole console = AnsiConsole.Create(
            new AnsiConsoleSettings { Ansi = AnsiSupport.No, Interactive = InteractionSupport.No, Out = new FixedOutput(text, width) });
        console.Write(what);
        foreach (string line in text.ToString().TrimEnd('\n').Split('\n'))
        {
            _output.WriteLine(line.TrimEnd());
        }
    }
}
