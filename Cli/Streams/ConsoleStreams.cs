using System.Text;
using Spectre.Console;

namespace GumbelGan.Cli.Streams;

/// <summary>The surroundings of the real program: its own standard output and error.</summary>
internal static class ConsoleStreams
{
    private static readonly UTF8Encoding _encoding = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Opens both.</summary>
    public static Surroundings Open(CancellationToken cancellation)
    {
        TextWriter output = (TextWriter?)Writer(StandardStream.Output) ?? new ClosedWriter();
        TextWriter error = new LenientWriter((TextWriter?)Writer(StandardStream.Error) ?? TextWriter.Null);
        bool isTerminal = !Console.IsOutputRedirected;
        IAnsiConsole progress = AnsiConsole.Create(new AnsiConsoleSettings { Out = new ErrorTerminal(error) });
        return new Surroundings(isTerminal ? new HarmlessWriter(output) : output, new HarmlessWriter(error), progress, cancellation)
        {
            TerminalWidth = isTerminal ? ErrorTerminal.Columns() : null,
        };
    }

    private static StreamWriter? Writer(int descriptor) =>
        StandardStream.Open(descriptor) is { } stream ? new StreamWriter(stream, _encoding) { AutoFlush = true } : null;

    /// <summary>
    /// Standard error as a place for live progress. Its size is asked for all the time, also when the terminal has just been closed.
    /// </summary>
    private sealed class ErrorTerminal(TextWriter error) : IAnsiConsoleOutput
    {
        private const int UsualWidth = 80, UsualHeight = 24;

        public TextWriter Writer => error;

        public bool IsTerminal { get; } = !Console.IsErrorRedirected;

        public int Width => Columns();

        public int Height => Size(() => Console.WindowHeight, UsualHeight);

        public static int Columns() => Size(() => Console.WindowWidth, UsualWidth);

        public void SetEncoding(Encoding encoding)
        {
        }

        private static int Size(Func<int> measure, int usual)
        {
            try
            {
                return measure() is var size and > 0 ? size : usual;
            }
            catch (IOException)
            {
                return usual;
            }
        }
    }
}
