using System.CommandLine;
using System.Globalization;
using GumbelGan.Storage;
using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan tokenizer</c>: learns a tokenizer from a text file, and shows what one does.</summary>
internal static class TokenizerCommand
{
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
        command.Subcommands.Add(Train(surroundings));
        command.Subcommands.Add(Encode(surroundings));
        command.Subcommands.Add(Decode(surroundings));
        return command;
    }

    private static Command Train(Surroundings surroundings)
    {
        var corpus = new Argument<string>("corpus") { Description = "A UTF-8 text file, one sequence a line; every line is used." };
        var output = new Option<string>("--output")
        {
            Description = "The folder to write: options.json, vocab.json and, for bpe, merges.txt.",
            Required = true
        };
        var arguments = new TokenizerArguments();
        var command = new ExplainedCommand("train", "Learns a vocabulary (and, for bpe, merges in GPT-2's file formats) from a text file.")
        {
            Examples =
            [
                new("gumbelgan tokenizer train corpora/image_coco.txt --output coco-tokenizer --lowercase", "one token a word, in lower case"),
                new("gumbelgan tokenizer train corpora/image_coco.txt --output coco-bpe --kind bpe --merges 8000",
                    "byte-level BPE with 8,000 merges"),
            ],
        };
        command.Arguments.Add(corpus);
        command.Options.Add(output);
        arguments.AddTo(command);
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(corpus), folder = parsed.GetRequiredValue(output);
            IEnumerable<string> lines = Lines(path, trim: true, surroundings.Cancellation).Select(line => line.Text);
            var tokenizer = TextTokenizer.Train(lines, arguments.Read(parsed));
            if (tokenizer.Vocabulary.Count == Vocabulary.SpecialTokens.Count)
            {
                throw new UserMistakeException($"{path} holds no text to learn from; name a text file with one sequence a line.");
            }

            tokenizer.Save(folder);
            surroundings.Output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{folder}: {tokenizer.Vocabulary.Count} tokens, vocab.json has SHA-256 {tokenizer.VocabularySha256}"));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Encode(Surroundings surroundings)
    {
        Argument<string> folder = FolderArgument();
        var text = new Argument<string>("text") { Description = "A UTF-8 text file." };
        var escaped = new Option<bool>("--escaped")
        {
            Description = "Lines are as 'decode' and 'sample' write them: control characters stand as their pictures.",
        };
        Option<string?> output = OutputOption();
        var command = new ExplainedCommand("encode", "Writes the ids of each line of a text file, separated by spaces, without begin and end tokens.")
        {
            Examples = [new("gumbelgan tokenizer encode runs/coco/tokenizer corpora/image_coco_test.txt --output test.ids",
                "the test file as that run sees it")],
        };
        command.Arguments.Add(folder);
        command.Arguments.Add(text);
        command.Options.Add(escaped);
        command.Options.Add(output);
        command.SetAction(parsed =>
        {
            var tokenizer = TextTokenizer.Load(parsed.GetRequiredValue(folder));
            IEnumerable<string> lines = Lines(parsed.GetRequiredValue(text), trim: false, surroundings.Cancellation)
                .Select(line => parsed.GetValue(escaped) ? SequenceLine.Text(line.Text) : line.Text);
            Write(
                parsed.GetValue(output),
                surroundings,
                lines.Select(line => string.Join(' ', tokenizer.Encode(line).Select(id => id.ToString(CultureInfo.InvariantCulture)))));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Decode(Surroundings surroundings)
    {
        Argument<string> folder = FolderArgument();
        var ids = new Argument<string>("ids") { Description = "A text file with the ids of one sequence a line, separated by spaces." };
        Option<string?> output = OutputOption();
        var command = new ExplainedCommand("decode",
            "Writes the text of each line of ids, one sequence a line; it ends at the end token, and padding is left out. A control character "
                + "stands as its picture (a line feed as U+240A), so that a line stays a line; 'encode --escaped' reads it back.")
        {
            Examples = [new("gumbelgan tokenizer decode runs/coco/tokenizer test.ids", "the text of ids that encode wrote")],
        };
        command.Arguments.Add(folder);
        command.Arguments.Add(ids);
        command.Options.Add(output);
        command.SetAction(parsed =>
        {
            var tokenizer = TextTokenizer.Load(parsed.GetRequiredValue(folder));
            string path = parsed.GetRequiredValue(ids);
            Write(parsed.GetValue(output), surroundings,
                Lines(path, trim: true, surroundings.Cancellation)
                .Select(line => SequenceLine.Of(tokenizer.Decode(Ids(path, line, tokenizer)))));
            return ExitCode.Done;
        });
        return command;
    }

    private static Argument<string> FolderArgument() => new("folder")
    {
        Description = "A tokenizer's folder, for example runs/NAME/tokenizer, or one with GPT-2-style vocab.json and merges.txt.",
    };

    private static Option<string?> OutputOption() => new("--output") { Description = "The file to write instead of standard output." };

    private static IEnumerable<CorpusLine> Lines(string path, bool trim, CancellationToken cancellation)
    {
        foreach (CorpusLine line in new CorpusReader(path, trim: trim).ReadLines())
        {
            cancellation.ThrowIfCancellationRequested();
            yield return line;
        }
    }

    private static int[] Ids(string path, CorpusLine line, TextTokenizer tokenizer)
    {
        return [.. line.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(Id)];

        int Id(string word) =>
            int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id < tokenizer.Vocabulary.Count
                ? id
                : throw new UserMistakeException(
                    $"{path}, line {line.Number}: '{Excerpt.Of(word)}' is no id of this tokenizer; ids run from 0 "
                        + $"to {tokenizer.Vocabulary.Count - 1}.");
    }

    private static void Write(string? path, Surroundings surroundings, IEnumerable<string> lines)
    {
        if (path is null)
        {
            WriteLines(surroundings.Output, lines);
            return;
        }

        AtomicFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            WriteLines(writer, lines);
        });
    }

    private static void WriteLines(TextWriter writer, IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            writer.WriteLine(line);
        }
    }
}
