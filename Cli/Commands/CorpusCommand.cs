using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan corpus</c>: generates a corpus from a grammar, or tells what is in a corpus file.</summary>
internal static class CorpusCommand
{
    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

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
        command.Subcommands.Add(Build(surroundings));
        command.Subcommands.Add(Info(surroundings));
        return command;
    }

    private static Command Build(Surroundings surroundings)
    {
        var grammar = new Argument<string?>("grammar")
        {
            Description = "A grammar file; corpora/README.md documents the format.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var oracle = new Option<string?>("--oracle")
        {
            HelpName = "file|seed",
            Description = "Draw sequences of numbers from this LSTM oracle instead: a safetensors file, or a seed for one of 5,000 numbers.",
        };
        var count = new Option<long>("--count", "--lines")
        {
            Description = "How many lines to draw, independently, repeats included.",
            DefaultValueFactory = _ => 10_000
        };
        var seed = new Option<ulong>("--seed") { Description = "The same seed gives the same corpus." };
        var output = new Option<string>("--output") { Description = "The file to write.", Required = true };
        var command =
            new ExplainedCommand("build",
                "Draws lines from a probabilistic grammar, exactly from its distribution within its length bounds, or from an LSTM oracle.")
            {
                Examples =
                [
                    new("gumbelgan corpus build corpora/arithmetic.grammar --count 5000 --seed 1 --output corpora/arithmetic.txt",
                        "5,000 expressions over x"),
                    new("gumbelgan corpus build --oracle 88 --lines 10000 --output corpora/oracle.txt", "the synthetic task of SeqGAN"),
                ],
            };
        command.Arguments.Add(grammar);
        command.Options.Add(oracle);
        command.Options.Add(count);
        command.Options.Add(seed);
        command.Options.Add(output);
        command.SetAction(parsed =>
        {
            long lines = parsed.GetValue(count);
            if (lines < 1)
            {
                throw new UserMistakeException($"--count is {lines}; draw at least one line.");
            }

            if (parsed.GetValue(grammar) is null == parsed.GetValue(oracle) is null)
            {
                throw new UserMistakeException("A corpus is drawn from a grammar file or from an --oracle; name one of them.");
            }

            RandomKey key = new RandomKey(parsed.GetValue(seed)).Derive("corpus");
            using LstmOracle? model = parsed.GetValue(oracle) is { } named ? LoadOracle(named) : null;
            IEnumerable<string> drawn = model is null ? FromGrammar(Grammar.Load(parsed.GetValue(grammar)!), lines, key)
                : model.Sequences(lines, key).Select(ids => string.Join(' ', ids.Select(id => id.ToString(CultureInfo.InvariantCulture))));
            string path = parsed.GetRequiredValue(output);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            AtomicFile.Write(path, stream =>
            {
                foreach (string text in drawn)
                {
                    surroundings.Cancellation.ThrowIfCancellationRequested();
                    byte[] line = System.Text.Encoding.UTF8.GetBytes(SequenceLine.Of(text) + "\n");
                    stream.Write(line);
                    hash.AppendData(line);
                }
            });
            surroundings.Output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{path}: {lines} lines, SHA-256 {Convert.ToHexStringLower(hash.GetHashAndReset())}"));
            return ExitCode.Done;
        });
        return command;
    }

    private static LstmOracle LoadOracle(string fileOrSeed)
    {
        EngineSettings.Prepare(0);
        return LstmOracle.Named(fileOrSeed);
    }

    private static IEnumerable<string> FromGrammar(Grammar grammar, long lines, RandomKey key)
    {
        var random = new RandomStream(key);
        for (long i = 0; i < lines; i++)
        {
            yield return grammar.Sample(random);
        }
    }

    private static Command Info(Surroundings surroundings)
    {
        var defaults = new CorpusOptions();
        var file = new Argument<string>("corpus") { Description = "A UTF-8 text file, one sequence a line." };
        var verify = new Option<bool>(
            "--verify")
        { Description = "Also check size and SHA-256 against the known file of this name; any difference ends with exit code 2." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        var folder =
            new Option<string?>("--tokenizer") { Description = "Use this tokenizer (a folder) instead of learning one from the training split." };
        var minimum = new Option<int>("--minimum-tokens")
        {
            Description = "Lines with fewer tokens are dropped.",
            DefaultValueFactory = _ => defaults.MinimumTokens
        };
        var maximum = new Option<int>("--maximum-tokens")
        {
            Description = "Lines with more tokens are dropped.",
            DefaultValueFactory = _ => defaults.MaximumTokens
        };
        var validation = new Option<double>("--validation-fraction")
        {
            Description = "The share of distinct lines held out for validation.",
            DefaultValueFactory = _ => defaults.ValidationFraction
        };
        var test = new Option<double>("--test-fraction")
        {
            Description = "The share of distinct lines held out for test.",
            DefaultValueFactory = _ => defaults.TestFraction
        };
        var validationFile = new Option<string>("--validation")
        {
            HelpName = "file",
            Description = "A file of its own for validation; no line of the corpus is held out for it then.",
            DefaultValueFactory = _ => "",
        };
        var testFile = new Option<string>("--test")
        {
            HelpName = "file",
            Description = "A file of its own for test, likewise.",
            DefaultValueFactory = _ => "",
        };
        var arguments = new TokenizerArguments();
        var command = new ExplainedCommand("info",
            "Tells what training would see of a corpus: lines kept and dropped, tokens, vocabulary, unknown tokens, duplicates, lengths.")
        {
            Examples =
            [
                new("gumbelgan corpus info corpora/image_coco.txt --verify", "also whether this is the file that papers use"),
                new("gumbelgan corpus info corpora/image_coco.txt --test corpora/image_coco_test.txt",
                    "the test file as test split; what they share"),
                new("gumbelgan corpus info corpora/brown.txt --kind bpe --maximum-tokens 60 --json", "with pieces of words, for a script"),
            ],
        };
        command.Arguments.Add(file);
        foreach (Option option in (Option[])[verify, json, folder, minimum, maximum, validation, test, validationFile, testFile])
        {
            command.Options.Add(option);
        }

        arguments.AddTo(command);
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(file);
            foreach ((Option<double> fraction, Option<string> own) in ((Option<double>, Option<string>)[])[(validation, validationFile),
                (test, testFile)])
            {
                if (parsed.GetResult(fraction) is { Implicit: false } && parsed.GetValue(own) is { Length: > 0 })
                {
                    throw new UserMistakeException($"{own.Name} names a file of its own, so {fraction.Name} says nothing; give one of them.");
                }
            }

            var options = new CorpusOptions
            {
                Validation = parsed.GetValue(validationFile)!,
                Test = parsed.GetValue(testFile)!,
                MinimumTokens = parsed.GetValue(minimum),
                MaximumTokens = parsed.GetValue(maximum),
                ValidationFraction = parsed.GetValue(validation),
                TestFraction = parsed.GetValue(test),
            };
            EncodedCorpus corpus = parsed.GetValue(folder) is { } saved
                ? EncodedCorpus.Inspect(path, TextTokenizer.Load(saved), options)
                : EncodedCorpus.Inspect(path, arguments.Read(parsed), options);
            KnownCorpus? known = parsed.GetValue(verify) ? KnownCorpus.Verify(path, corpus.Report.Bytes, corpus.Report.Sha256) : null;
            if (parsed.GetValue(json))
            {
                surroundings.Output.WriteLine(JsonSerializer.Serialize(new { corpus.Report, Verified = known?.Description }, _json));
            }
            else
            {
                WriteTable(corpus.Report, known, surroundings.Output);
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteTable(CorpusReport report, KnownCorpus? known, TextWriter output)
    {
        void Row(string name, FormattableString value) => output.WriteLine($"{name,-28}{FormattableString.Invariant(value)}");

        Row("file", $"{report.Path}");
        Row("bytes", $"{report.Bytes}");
        Row("SHA-256", $"{report.Sha256}");
        if (known is not null)
        {
            Row("verified", $"this is {known.Description}");
        }

        Row("lines", $"{report.Lines}");
        Row("  dropped: empty", $"{report.EmptyLines}");
        Row("  dropped: too short", $"{report.TooShortLines}");
        Row("  dropped: too long", $"{report.TooLongLines}");
        Row("  kept", $"{report.Lines - report.EmptyLines - report.TooShortLines - report.TooLongLines}");
        Row("  repeats among the kept", $"{report.DuplicateLines}");
        Row("  held out, but the same", $"{report.SharedAcrossSplits} (tokens equal those of a training line)");
        foreach (HeldOutFile held in report.HeldOutFiles)
        {
            Row($"{held.Split.ToString().ToLowerInvariant()} file", $"{held.Path}");
            Row("  SHA-256", $"{held.Sha256}");
            Row("  lines", $"{held.Lines} (dropped: {held.EmptyLines} empty, {held.TooShortLines} too short, {held.TooLongLines} too long)");
        }

        if (report.HeldOutFiles.Count > 0)
        {
            Row("validation lines in train", $"{report.Overlap.ValidationInTrain} (counted, not removed)");
            Row("test lines in train", $"{report.Overlap.TestInTrain} (counted, not removed)");
            Row("test lines in validation", $"{report.Overlap.TestInValidation} (counted, not removed)");
        }

        Row("vocabulary", $"{report.Vocabulary} tokens, vocab.json has SHA-256 {report.VocabularySha256}");
        output.WriteLine();
        output.WriteLine($"{"split",-12}{"lines",10}{"tokens",12}{"unknown",10}{"unknown %",11}");
        foreach ((string name, SplitReport split) in (ReadOnlySpan<(string, SplitReport)>)[("train", report.Train), ("validation", report.Validation),
            ("test", report.Test)])
        {
            double percent = split.Tokens == 0 ? 0 : 100.0 * split.UnknownTokens / split.Tokens;
            output.WriteLine(FormattableString.Invariant($"{name,-12}{split.Lines,10}{split.Tokens,12}{split.UnknownTokens,10}{percent,11:F2}"));
        }

        output.WriteLine();
        output.WriteLine($"{"tokens a line",-16}{"lines",10}");
        const int Bars = 50;
        // At most twenty rows, whatever the longest line.
        int width = (report.LengthHistogram.Count + 19) / 20;
        (int From, long Lines)[] bins = [.. report.LengthHistogram.Chunk(width).Select((chunk, index) => (index * width, chunk.Sum()))];
        long most = Math.Max(1, bins.Max(bin => bin.Lines));
        foreach ((int from, long lines) in bins.Where(bin => bin.Lines > 0))
        {
            string range = width == 1 ? $"{from}" : $"{from}-{from + width - 1}";
            output.WriteLine(FormattableString.Invariant($"{range,-16}{lines,10}  {new string('#', (int)((lines * Bars + most - 1) / most))}"));
        }
    }
}
