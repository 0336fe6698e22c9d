using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Metrics;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan metrics</c>: compares any two text files, one sequence a line.</summary>
internal static class MetricsCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("metrics", "Measures one text file against another: BLEU, self-BLEU, overlap, diversity, novelty, lengths.",
            request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan metrics --generated samples.txt --reference test.txt", "judge samples against held-out text"),
                new("gumbelgan metrics --generated samples.txt --reference test.txt --training train.txt --json", "add novelty; for a script"),
            ],
        }
        .Text("--generated", "file", "The text to judge, one sequence a line; an empty line is an empty sequence.", request => request.Generated,
            FileUse.Read, isRequired: true)
        .Text("--reference", "file", "Held-out text of the same kind, one sequence a line.", request => request.Reference, FileUse.Read,
            isRequired: true)
        .Text("--training", "file", "The text that the model was trained on; adds the novelty rate.", request => request.Training, FileUse.Read)
        .Chosen("--unit", "What counts as a token: words between white space, or characters.", request => request.Unit,
            Enum.GetValues<TextUnit>())
        .Number("--threads", "Threads to use; 0 for one a core.", request => request.Threads, atLeast: 0)
        .Flag("--json", "Print one JSON document instead of a table.", request => request.IsJson);

    private static int Run(Request request, Surroundings surroundings)
    {
        var sequences = new TextSequences(request.Unit);
        var inputs = new MetricInputs
        {
            Generated = sequences.ReadFile(request.Generated),
            References = sequences.ReadFile(request.Reference),
            Training = request.Training is { } file ? sequences.ReadFile(file) : null,
            Threads = request.Threads == 0 ? -1 : request.Threads,
        };
        IReadOnlyList<MetricResult> results = MetricCatalogue.Compute(inputs);
        if (request.IsJson)
        {
            surroundings.Output.WriteLine(MetricCatalogue.ToJson(results).ToJsonString(JsonFormat.Options));
        }
        else
        {
            MetricsTable.Write(results, new TableWriter(surroundings));
        }

        return ExitCode.Done;
    }

    private sealed record Request
    {
        public string Generated { get; init; } = "";

        public string Reference { get; init; } = "";

        public string? Training { get; init; }

        public TextUnit Unit { get; init; } = TextUnit.Word;

        public int Threads { get; init; }

        public bool IsJson { get; init; }
    }
}
