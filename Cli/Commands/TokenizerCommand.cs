using System.CommandLine;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan tokenizer</c>: learns a tokenizer from a text file, and shows what one does.</summary>
internal static class TokenizerCommand
{
    /// <summary>What a tokenizer's folder is, for the help of who takes one.</summary>
    public const string FolderDescription =
        "A tokenizer's folder, for example runs/NAME/tokenizer, or one with GPT-2-style vocab.json and merges.txt.";

    public static Command Create(Surroundings surroundings)
    {
        var command = new ExplainedCommand("tokenizer", "Learns a tokenizer from a text file, or applies one.")
        {
            Examples =
            [
                new("gumbelgan tokenizer train corpora/captions.txt --output captions-tokenizer", "one token a word"),
                new("gumbelgan tokenizer encode captions-tokenizer corpora/captions.txt", "the ids of every line"),
            ],
        };
        command.Subcommands.Add(TokenizerTrainCommand.Create(surroundings));
        command.Subcommands.Add(TokenizerEncodeCommand.Create(surroundings));
        command.Subcommands.Add(TokenizerDecodeCommand.Create(surroundings));
        return command;
    }
}
