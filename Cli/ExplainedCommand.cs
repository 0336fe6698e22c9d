using System.CommandLine;

namespace GumbelGan.Cli;

/// <summary>A command whose <c>--help</c> ends with examples, and with more where options alone do not tell the story.</summary>
/// <param name="name">The word the user types.</param>
/// <param name="description">What it does, one or two sentences.</param>
public class ExplainedCommand(string name, string description) : Command(name, description)
{
    /// <summary>Complete command lines, each with what it does.</summary>
    public IReadOnlyList<Example> Examples { get; init; } = [];

    /// <summary>Writes further help after the examples, or null.</summary>
    public Action<TextWriter>? FurtherHelp { get; init; }

    /// <summary>One command line and what it does.</summary>
    /// <param name="Line">As typed.</param>
    /// <param name="Meaning">A phrase.</param>
    public sealed record Example(string Line, string Meaning);
}
