using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Training.Runs;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan metrics</c>: compares any two texts, one sequence a line; one of them may be drawn from a run.</summary>
internal static class MetricsCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("metrics", "Measures one text, a file or samples of a run, against another: BLEU, self-BLEU, overlap, diversity, "
            + "novelty, lengths.", request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan metrics --generated samples.txt --reference test.txt", "judge samples against held-out text"),
                new("gumbelgan metrics --generated samples.txt --reference test.txt --training train.txt --json", "add novelty; for a script"),
                new("gumbelgan metrics --run runs/captions --top-k 40 --reference test.txt", "judge what 'sample --top-k 40' would write"),
            ],
        }
        .Text("--generated", "file", "The text to judge, one sequence a line; an empty line is an empty sequence.", request => request.Generated,
            FileUse.Read)
        .Text("--run", "folder", "Judge samples of this run instead of a file: the lines that 'sample' writes.", request => request.Run, FileUse.Read)
        .Text("--reference", "file", "Held-out text of the same kind, one sequence a line.", request => request.Reference, FileUse.Read,
            isRequired: true)
        .Text("--training", "file", "The text that the model was trained on; adds the novelty rate.", request => request.Training, FileUse.Read)
        .Chosen("--unit", "What counts as a token: words between white space, or characters.", request => request.Unit,
            Enum.GetValues<TextUnit>())
        .Number("--count", "How many samples of --run.", request => request.Count, atLeast: 1)
        .WithSampling()
        .Number("--seed", "Another seed, other samples of --run.", request => request.Seed)
        .WithGeneratorChoice()
        .Number("--threads", "Threads to use; 0 for one a core.", request => request.Threads, atLeast: 0)
        .Flag("--json", "Print one JSON document instead of a table.", request => request.IsJson);

    private static int Run(Request request, Surroundings surroundings)
    {
        if (request.Generated is null == request.Run is null)
        {
            throw new UserMistakeException("Give the text to judge: either a file with --generated, or a run with --run.");
        }

        if (request.Run is null && (request.Sampling, request.Choice) != (new SamplingRule(), new GeneratorChoice()))
        {
            throw new UserMistakeException("--generated is judged as it is written; how samples are drawn, and from which weights, goes with --run.");
        }

        var sequences = new TextSequences(request.Unit);
        Drawn? drawn = request.Run is { } run ? Draw(run, request, sequences) : null;
        var inputs = new MetricInputs
        {
            Generated = drawn?.Sequences ?? sequences.ReadFile(request.Generated!),
            References = sequences.ReadFile(request.Reference),
            Training = request.Training is { } file ? sequences.ReadFile(file) : null,
            DrawnWith = drawn is null ? "" : request.Sampling.Description,
            Threads = request.Threads == 0 ? -1 : request.Threads,
        };
        IReadOnlyList<MetricResult> results = MetricCatalogue.Compute(inputs);
        if (request.IsJson)
        {
            JsonObject document = MetricCatalogue.ToJson(results);
            if (drawn is not null)
            {
                document["samples"] = Document(drawn, request);
            }

            surroundings.Output.WriteLine(document.ToJsonString(JsonFormat.Options));
            return ExitCode.Done;
        }

        var writer = new TableWriter(surroundings);
        if (drawn is not null)
        {
            string with = request.Sampling.Description is { Length: > 0 } words ? $", {words}" : "";
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{request.Count} samples of {request.Run}, step {drawn.Step}, seed {request.Seed}{with}"));
        }

        MetricsTable.Write(results, writer);
        return ExitCode.Done;
    }

    private static Drawn Draw(string run, Request request, TextSequences sequences)
    {
        using ChosenGenerator chosen = request.Choice.Load(RunFolder.Open(run));
        return new Drawn(chosen.Step, sequences.Read(SampleCommand.Lines(chosen, request.Count, request.Sampling, request.Seed)));
    }

    private static JsonObject Document(Drawn drawn, Request request) => new()
    {
        ["run"] = request.Run,
        ["step"] = drawn.Step,
        ["count"] = request.Count,
        ["seed"] = request.Seed,
        ["temperature"] = request.Sampling.Temperature,
        ["top_k"] = request.Sampling.TopK,
        ["top_p"] = request.Sampling.TopP,
    };

    /// <summary>Samples of a run, and the step of their checkpoint.</summary>
    private sealed record Drawn(long Step, IReadOnlyList<int[]> Sequences);

    private sealed record Request : IGeneratorRequest, ISamplingRequest
    {
        public string? Generated { get; init; }

        public string? Run { get; init; }

        public string Reference { get; init; } = "";

        public string? Training { get; init; }

        public TextUnit Unit { get; init; } = TextUnit.Word;

        public int Count { get; init; } = 1000;

        public SamplingRule Sampling { get; init; } = new();

        public long Seed { get; init; } = 1;

        public GeneratorChoice Choice { get; init; } = new();

        public int Threads { get; init; }

        public bool IsJson { get; init; }
    }
}
