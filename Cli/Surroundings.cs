using GumbelGan.Cli.Streams;
using Spectre.Console;

namespace GumbelGan.Cli;

/// <summary>
/// What a command may touch of the world outside: injected, so that a test runs any command in process and reads what it printed.
/// </summary>
/// <param name="Output">Standard output: results only; with <c>--json</c> one document and nothing else.</param>
/// <param name="Error">Standard error: plain lines, which may quote files and so must not act on a terminal.</param>
/// <param name="Progress">The console that live progress is drawn on (standard error); not interactive when that is no terminal.</param>
/// <param name="Cancellation">Set by SIGINT, SIGTERM and SIGHUP; a command that honours it lets <see cref="OperationCanceledException"/> out.</param>
public sealed record Surroundings(TextWriter Output, TextWriter Error, IAnsiConsole Progress, CancellationToken Cancellation)
{
    /// <summary>Where the time comes from.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Columns of the terminal that results go to; null where they go into a file or a pipe.</summary>
    public int? TerminalWidth { get; init; }

    /// <summary>Surroundings on plain writers; live progress becomes plain lines on <paramref name="error"/>.</summary>
    public static Surroundings Of(TextWriter output, TextWriter error, CancellationToken cancellation) => new(output, new HarmlessWriter(error),
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) }), cancellation);

    /// <summary>The same where nobody listens: for ranks that leave speaking to rank 0.</summary>
    public Surroundings Silenced() => Of(TextWriter.Null, TextWriter.Null, Cancellation) with { Clock = Clock };

    /// <summary><paramref name="items"/>, as long as nobody has asked to stop.</summary>
    /// <exception cref="OperationCanceledException">Somebody has.</exception>
    public IEnumerable<T> UntilCancelled<T>(IEnumerable<T> items)
    {
        foreach (T item in items)
        {
            Cancellation.ThrowIfCancellationRequested();
            yield return item;
        }
    }
}
