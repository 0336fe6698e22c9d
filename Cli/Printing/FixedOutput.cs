using System.Text;
using Spectre.Console;

namespace GumbelGan.Cli.Printing;

/// <summary>A page of a given width for Spectre to draw on.</summary>
/// <param name="writer">Takes what is drawn.</param>
/// <param name="width">Columns.</param>
internal sealed class FixedOutput(TextWriter writer, int width) : IAnsiConsoleOutput
{
    public TextWriter Writer => writer;

    public bool IsTerminal => false;

    public int Width => width;

    public int Height => int.MaxValue;

    public void SetEncoding(Encoding encoding)
    {
    }
}
