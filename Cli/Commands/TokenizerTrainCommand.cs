using System.CommandLine;
using System.Globalization;
using GumbelGan.Cli.Parsing;
using GumbelGan.Storage;
using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan tokenizer train</c>: learns a vocabulary from a text file.</summary>
internal static class TokenizerTrainCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("train", "Learns a vocabulary (and, for bpe, merges in GPT-2's file formats) from a text file.",
            request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan tokenizer train corpora/image_coco.txt --output coco-tokenizer --lowercase", "one token a word, in lower case"),
                new("gumbelgan tokenizer train corpora/image_coco.txt --output coco-bpe --kind bpe --merges 8000",
                    "byte-level BPE with 8,000 merges"),
            ],
        }
        .Word("corpus", "A UTF-8 text file, one sequence a line; every line is used.", request => request.Corpus, FileUse.Read)
        .OutputFolder("--output", "The folder to write: options.json, vocab.json and, for bpe, merges.txt.", request => request.Output,
            TextTokenizer.FileNames)
        .WithTokenizer();

    private static int Run(Request request, Surroundings surroundings)
    {
        IEnumerable<string> lines = new CorpusReader(request.Corpus).ReadLines().Select(line => line.Text);
        var tokenizer = TextTokenizer.Train(surroundings.UntilCancelled(lines), request.Tokenizer);
        if (tokenizer.Vocabulary.Count == Vocabulary.SpecialTokens.Count)
        {
            throw new UserMistakeException($"{request.Corpus} holds no text to learn from; name a text file with one sequence a line.");
        }

        tokenizer.Save(request.Output);
        surroundings.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{request.Output}: {tokenizer.Vocabulary.Count} tokens, vocab.json has SHA-256 {tokenizer.VocabularySha256}"));
        return ExitCode.Done;
    }

    private sealed record Request : ITokenizerRequest
    {
        public string Corpus { get; init; } = "";

        public string Output { get; init; } = "";

        public TokenizerOptions Tokenizer { get; init; } = new();
    }
}
