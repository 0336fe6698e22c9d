using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using GumbelGan.Cli.Parsing;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan corpus build</c>: draws lines from a grammar or an oracle.</summary>
internal static class CorpusBuildCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("build",
            "Draws lines from a probabilistic grammar, exactly from its distribution within its length bounds, or from an LSTM oracle.",
            request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan corpus build corpora/arithmetic.grammar --count 5000 --seed 1 --output corpora/arithmetic.txt",
                    "5,000 expressions over x"),
                new("gumbelgan corpus build --oracle 88 --count 10000 --output corpora/oracle.txt", "the synthetic task of SeqGAN"),
            ],
        }
        .Word("grammar", "A grammar file; corpora/README.md documents the format.", request => request.Grammar, FileUse.Read, isRequired: false)
        .Text("--oracle", "file|seed",
            "Draw sequences of numbers from this LSTM oracle instead: a safetensors file, or a seed for one of 5,000 numbers.",
            request => request.Oracle, FileUse.Read)
        .Number("--count", "How many lines to draw, independently, repeats included; at least one line.", request => request.Count, atLeast: 1)
        .Number("--seed", "The same seed gives the same corpus.", request => request.Seed)
        .Text("--output", "file", "The file to write.", request => request.Output, FileUse.Write, isRequired: true);

    private static int Run(Request request, Surroundings surroundings)
    {
        if (request.Grammar is null == request.Oracle is null)
        {
            throw new UserMistakeException("A corpus is drawn from a grammar file or from an --oracle; name one of them.");
        }

        RandomKey key = new RandomKey(request.Seed).Derive("corpus");
        if (request.Oracle is not null)
        {
            EngineSettings.Prepare(0);
        }

        using LstmOracle? oracle = request.Oracle is { } named ? LstmOracle.Named(named) : null;
        IEnumerable<string> drawn = oracle is null
            ? FromGrammar(Grammar.Load(request.Grammar!), request.Count, key)
            : oracle.Sequences(request.Count, key).Select(ids => string.Join(' ', ids.Select(id => id.ToString(CultureInfo.InvariantCulture))));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        AtomicFile.Write(request.Output, stream =>
        {
            foreach (string text in drawn)
            {
                surroundings.Cancellation.ThrowIfCancellationRequested();
                byte[] line = Encoding.UTF8.GetBytes(SequenceLine.Of(text) + "\n");
                stream.Write(line);
                hash.AppendData(line);
            }
        });
        surroundings.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{request.Output}: {request.Count} lines, SHA-256 {Convert.ToHexStringLower(hash.GetHashAndReset())}"));
        return ExitCode.Done;
    }

    private static IEnumerable<string> FromGrammar(Grammar grammar, long lines, RandomKey key)
    {
        var random = new RandomStream(key);
        for (long i = 0; i < lines; i++)
        {
            yield return grammar.Sample(random);
        }
    }

    private sealed record Request
    {
        public string? Grammar { get; init; }

        public string? Oracle { get; init; }

        public long Count { get; init; } = 10_000;

        public ulong Seed { get; init; }

        public string Output { get; init; } = "";
    }
}
