using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using GumbelGan.Cli.Parsing;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan corpus build</c>: draws lines from a grammar.</summary>
internal static class CorpusBuildCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("build", "Draws lines from a probabilistic grammar, exactly from its distribution within its length bounds.",
            request => Run(request, surroundings))
        {
            Examples = [new("gumbelgan corpus build corpora/arithmetic.grammar --count 5000 --seed 1 --output corpora/arithmetic.txt",
                "5,000 expressions over x")],
        }
        .Word("grammar", "A grammar file; corpora/README.md documents the format.", request => request.Grammar, FileUse.Read)
        .Number("--count", "How many lines to draw, independently, repeats included; at least one line.", request => request.Count, atLeast: 1)
        .Number("--seed", "The same seed gives the same corpus.", request => request.Seed)
        .Text("--output", "file", "The file to write.", request => request.Output, FileUse.Write, isRequired: true);

    private static int Run(Request request, Surroundings surroundings)
    {
        var grammar = Grammar.Load(request.Grammar);
        var random = new RandomStream(new RandomKey(request.Seed).Derive("corpus"));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        AtomicFile.Write(request.Output, stream =>
        {
            for (long i = 0; i < request.Count; i++)
            {
                surroundings.Cancellation.ThrowIfCancellationRequested();
                byte[] line = Encoding.UTF8.GetBytes(grammar.Sample(random) + "\n");
                stream.Write(line);
                hash.AppendData(line);
            }
        });
        surroundings.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{request.Output}: {request.Count} lines, SHA-256 {Convert.ToHexStringLower(hash.GetHashAndReset())}"));
        return ExitCode.Done;
    }

    private sealed record Request
    {
        public string Grammar { get; init; } = "";

        public long Count { get; init; } = 10_000;

        public ulong Seed { get; init; }

        public string Output { get; init; } = "";
    }
}
