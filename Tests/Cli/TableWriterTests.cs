using Spectre.Console;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class TableWriterTests
{
    private static readonly string[][] _wide =
    [
        ["metric", "checkpoint", "method", "difference", "95% interval", "p (Holm)"],
        ["bleu/4", "best", "gumbel", "+0.0123", "[-0.1000, +0.1246]", "0.1234"],
        ["likelihood_divergence/jensen_shannon", "last", "reinforce leave-one-out", "-1.0000", "[-2.0000, +0.0000]", "<0.0001 *"],
    ];

    private static readonly string[][] _text =
    [
        ["real (held out)", "generated"],
        ["a man sits on a bench in the park and reads", "a man sits on on on a bench bench"],
        ["a cat 你好你好", "a"],
    ];

    [Theory]
    [InlineData(20)]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(200)]
    public void On_a_terminal_no_line_is_wider_than_it_and_no_word_is_lost(int width)
    {
        foreach (string[][] rows in new[] { _wide, _text })
        {
            string printed = Printed.By(writer => writer.Write(rows), width);
            Assert.All(printed.Split('\n'), line => Assert.InRange(line.GetCellWidth(), 0, width));
            // A word wider than the terminal is broken; all others are whole.
            Assert.All(rows.SelectMany(row => row).SelectMany(cell => cell.Split(' ')).Where(word => word.GetCellWidth() <= width / 2 - 2),
                word => Assert.Contains(word, printed));
        }
    }

    [Fact]
    public void In_a_file_cells_stand_in_columns_however_wide_they_are()
    {
        const string Expected = """
            name     lines
            train       12
            test   1234567
            """;
        string[][] rows = [["name", "lines"], ["train", "12"], ["test", "1234567"]];
        Assert.Equal(Expected + "\n", Printed.By(writer => writer.Write(rows, numbersFrom: 1)));
        Assert.Equal(_wide.Length, Printed.By(writer => writer.Write(_wide)).TrimEnd('\n').Split('\n').Length);
        Assert.DoesNotContain('─', Printed.By(writer => writer.Write(_wide)));
    }

    [Fact]
    public void Sentences_break_between_words_on_a_terminal_and_stay_one_line_in_a_file()
    {
        const string Sentence = "BLEU-4: the geometric mean of clipped n-gram precisions, with the brevity penalty.";
        Assert.Equal(Sentence + "\n", Printed.By(writer => writer.WriteLine(Sentence)));
        string[] lines = Printed.By(writer => writer.WriteLine(Sentence), 40).TrimEnd('\n').Split('\n');
        Assert.All(lines, line => Assert.InRange(line.Length, 1, 40));
        Assert.Equal(Sentence, string.Join(' ', lines));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(40)]
    public void Control_characters_of_a_cell_are_harmless(int? width)
    {
        string printed = Printed.By(writer => writer.Write([["sample"], ["a\u001B[2Jb\u009Bc\rd\ne\u202Ef"]]), width);
        Assert.Contains("a?[2Jb?c?d?e?f", printed);
    }
}
