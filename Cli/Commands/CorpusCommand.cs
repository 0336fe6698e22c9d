using System.CommandLine;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan corpus</c>: generates a corpus from a grammar or an oracle, or tells what is in a corpus file.</summary>
internal static class CorpusCommand
{
    public static Command Create(Surroundings surroundings)
    {
        var command = new ExplainedCommand("corpus", "Generates a corpus from a grammar or an oracle, or tells what is in a corpus file.")
        {
            Examples =
            [
                new("gumbelgan corpus build corpora/captions.grammar --count 20000 --output corpora/captions.txt", "20,000 captions"),
                new("gumbelgan corpus info corpora/captions.txt", "lines, tokens, vocabulary, splits"),
            ],
        };
        command.Subcommands.Add(CorpusBuildCommand.Create(surroundings));
        command.Subcommands.Add(CorpusInfoCommand.Create(surroundings));
        return command;
    }
}
