using System.CommandLine;
using System.Text.Json;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Storage;
using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan corpus info</c>: what training would see of a corpus file.</summary>
internal static class CorpusInfoCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("info",
            "Tells what training would see of a corpus: lines kept and dropped, tokens, vocabulary, unknown tokens, duplicates, lengths.",
            request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan corpus info corpora/image_coco.txt --verify", "also whether this is the file that papers use"),
                new("gumbelgan corpus info corpora/image_coco.txt --test corpora/image_coco_test.txt",
                    "the test file as test split; what they share"),
                new("gumbelgan corpus info corpora/brown.txt --kind bpe --maximum-tokens 60 --json", "with pieces of words, for a script"),
            ],
        }
        .Word("corpus", "A UTF-8 text file, one sequence a line.", request => request.Corpus, FileUse.Read)
        .Flag("--verify", "Also check size and SHA-256 against the known file of this name; any difference ends with exit code 2.",
            request => request.Verify)
        .Flag("--json", "Print one JSON document instead of a table.", request => request.IsJson)
        .Text("--tokenizer", "folder", "Use this tokenizer instead of learning one from the training split.", request => request.Saved)
        .Number("--minimum-tokens", "Lines with fewer tokens are dropped.", request => request.Data.MinimumTokens)
        .Number("--maximum-tokens", "Lines with more tokens are dropped.", request => request.Data.MaximumTokens)
        .Number("--validation-fraction", "The share of distinct lines held out for validation.", request => request.Data.ValidationFraction)
        .Number("--test-fraction", "The share of distinct lines held out for test.", request => request.Data.TestFraction)
        .Text("--validation", "file", "A file of its own for validation; no line of the corpus is held out for it then.",
            request => request.Data.Validation, FileUse.Read)
        .Text("--test", "file", "A file of its own for test, likewise.", request => request.Data.Test, FileUse.Read)
        .WithTokenizer();

    private static int Run(Request request, Surroundings surroundings)
    {
        var defaults = new CorpusOptions();
        RefuseBoth("--validation", request.Data.Validation, "--validation-fraction", request.Data.ValidationFraction, defaults.ValidationFraction);
        RefuseBoth("--test", request.Data.Test, "--test-fraction", request.Data.TestFraction, defaults.TestFraction);
        EncodedCorpus corpus = request.Saved is { } folder
            ? EncodedCorpus.Inspect(request.Corpus, TextTokenizer.Load(folder), request.Data)
            : EncodedCorpus.Inspect(request.Corpus, request.Tokenizer, request.Data);
        KnownCorpus? known = request.Verify ? KnownCorpus.Verify(request.Corpus, corpus.Report.Bytes, corpus.Report.Sha256) : null;
        surroundings.Print(
            request.IsJson, () => JsonSerializer.Serialize(new { corpus.Report, Verified = known?.Description }, JsonFormat.Options),
            writer => CorpusTables.Write(corpus.Report, known, writer));

        return ExitCode.Done;
    }

    private static void RefuseBoth(string fileOption, string file, string fractionOption, double fraction, double usual)
    {
        if (file.Length > 0 && fraction != 0 && fraction != usual)
        {
            throw new UserMistakeException($"{fileOption} names a file of its own, so {fractionOption} says nothing; give one of them.");
        }
    }

    private sealed record Request : ITokenizerRequest
    {
        public string Corpus { get; init; } = "";

        public bool Verify { get; init; }

        public bool IsJson { get; init; }

        public string? Saved { get; init; }

        public CorpusOptions Data { get; init; } = new();

        public TokenizerOptions Tokenizer { get; init; } = new();
    }
}
