using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
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
            ],
        }
        .Word("run", "A run folder.", request => request.Run, FileUse.Read)
        .Number("--count", "How many sequences.", request => request.Count, atLeast: 1)
        .Number("--temperature", "Divides the logits: 1 samples the model itself, less is safer and less varied.", request => request.Temperature,
            atLeast: 0.001, atMost: 1000)
        .Number("--seed", "Another seed, other samples.", request => request.Seed)
        .Flag("--best", "Use the selected checkpoint, of the lowest validation NLL in the last phase, instead of the latest.",
            request => request.Best)
        .Flag("--start", "Use the weights that the last phase began with: pre-trained, or untrained ones.", request => request.Start)
        .Chosen("--weights", "The weights of the last update, or their average over training (adversarial.average_decay).",
            request => request.Weights, Enum.GetValues<GeneratorWeights>())
        .Text("--output", "file", "Write to this file instead of standard output.", request => request.Output, FileUse.Write);

    private static int Run(Request request, Surroundings surroundings)
    {
        if (request.Start && request.Best)
        {
            throw new UserMistakeException("--start and --best name different checkpoints; give one of them.");
        }

        RunFolder folder = RunFolder.Open(request.Run);
        (IGenerator Generator, TextTokenizer Tokenizer, RunConfig Config) Load(Checkpoint checkpoint) =>
            request.Weights == GeneratorWeights.Last || checkpoint.HasAverage
            ? TrainingJob.Load(folder, checkpoint, request.Weights)
            : throw new UserMistakeException(
                $"{checkpoint.Path} has no averaged weights; train with adversarial.average_decay, or leave --weights out.");

        (IGenerator generator, TextTokenizer tokenizer, _) =
            request.Start ? folder.ReadStart(Load) : request.Best ? folder.ReadBest(Load) : folder.ReadLatest(Load);
        using (generator)
        {
            RandomKey key = new RandomKey((ulong)request.Seed).Derive("sample");
            IEnumerable<string> lines = InterimEvaluation.Sample(generator, request.Count, request.Temperature, key)
                .Select(row => SequenceLine.Of(tokenizer.Decode(row)));
            ResultLines.Write(request.Output, surroundings, lines);
        }

        return ExitCode.Done;
    }

    private sealed record Request
    {
        public string Run { get; init; } = "";

        public int Count { get; init; } = 10;

        public double Temperature { get; init; } = 1;

        public long Seed { get; init; } = 1;

        public bool Best { get; init; }

        public bool Start { get; init; }

        public GeneratorWeights Weights { get; init; }

        public string? Output { get; init; }
    }
}
