using Spectre.Console;

namespace GumbelGan.Tests.Cli;

/// <summary>A terminal, as live progress sees one.</summary>
internal sealed class TerminalOutput(TextWriter writer, int width) : IAnsiConsoleOutput
{
    public TextWriter Writer => writer;

    public bool IsTerminal => true;

    public int Width => width;

    public int Height => 30;

    public void SetEncoding(System.Text.Encoding encoding)
    {
    }
}
