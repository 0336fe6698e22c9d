using Spectre.Console;

namespace GumbelGan.Cli;

/// <summary>
/// What a command may touch of the world outside: injected, so that a test runs any command in process and reads what it printed.
/// </summary>
/// <param name="Output">Standard output: results only; with <c>--json</c> one document and nothing else.</param>
/// <param name="Error">Standard error: plain lines.</param>
/// <param name="Progress">The console that live progress is drawn on (standard error); not interactive when that is no terminal.</param>
/// <param name="Cancellation">Set by SIGINT and SIGTERM; a command that honours it lets <see cref="OperationCanceledException"/> out.</param>
public sealed record Surroundings(TextWriter Output, TextWriter Error, IAnsiConsole Progress, CancellationToken Cancellation)
{
    /// <summary>Where the time comes from.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Surroundings on plain writers; where <paramref name="error"/> is a terminal's standard error, progress is live.</summary>
    public static Surroundings Of(TextWriter output, TextWriter error, CancellationToken cancellation) =>
        new(output, error, AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) }), cancellation);
}
