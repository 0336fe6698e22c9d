using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tokenization;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan sample</c>: writes sequences drawn from a run's generator, one a line.</summary>
internal static class SampleCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("sample", "Draws sequences from a run's generator, one a line.", request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan sample runs/captions --count 20", "twenty sentences"),
                new("gumbelgan sample runs/captions --temperature 0.7 --best", "safer sentences, from the best checkpoint"),
                new("gumbelgan sample runs/captions --prefix \"a man\" --top-k 40 --top-p 0.9", "sentences that begin so, without unlikely words"),
            ],
        }
        .Word("run", "A run folder.", request => request.Run, FileUse.Read)
        .Number("--count", "How many sequences.", request => request.Count, atLeast: 1)
        .Text("--prefix", "text", "What every sequence begins with; the generator completes it.", request => request.Prefix)
        .WithSampling()
        .Number("--seed", "Another seed, other samples.", request => request.Seed)
        .WithGeneratorChoice()
        .Text("--output", "file", "Write to this file instead of standard output.", request => request.Output, FileUse.Write);

    private static int Run(Request request, Surroundings surroundings)
    {
        using ChosenGenerator chosen = request.Choice.Load(RunFolder.Open(request.Run));
        ResultLines.Write(request.Output, surroundings, Lines(chosen, request.Count, request.Sampling, request.Seed, request.Prefix));
        return ExitCode.Done;
    }

    /// <summary>The lines that the command writes, drawn as they are asked for.</summary>
    public static IEnumerable<string> Lines(ChosenGenerator chosen, int count, SamplingRule rule, long seed, string? prefix = null)
    {
        int[] beginning = SamplePrefix.Encode(prefix ?? "", chosen.Tokenizer, chosen.Generator.Format);
        return HardSamples.Draw(chosen.Generator, count, rule, new RandomKey((ulong)seed).Derive("sample"), beginning)
            .Select(row => SequenceLine.Of(chosen.Tokenizer.Decode(row)));
    }

    private sealed record Request : IGeneratorRequest, ISamplingRequest
    {
        public string Run { get; init; } = "";

        public int Count { get; init; } = 10;

        public string? Prefix { get; init; }

        public SamplingRule Sampling { get; init; } = new();

        public long Seed { get; init; } = 1;

        public GeneratorChoice Choice { get; init; } = new();

        public string? Output { get; init; }
    }
}
