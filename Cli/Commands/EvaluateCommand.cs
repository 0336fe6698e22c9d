using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Generators;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan evaluate</c>: measures a finished run on the test split and writes its evaluation.json.</summary>
internal static class EvaluateCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("evaluate",
            "Measures a finished run on the test split, last and validation-selected checkpoint, and writes evaluation.json into its folder.",
            request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan evaluate runs/captions", "every metric, beside real held-out text and a memoriser"),
                new("gumbelgan evaluate runs/captions --grammar corpora/captions.grammar --temperatures 0.5,1,1.5",
                    "validity and divergences from the true distribution; three temperatures"),
                new("gumbelgan evaluate runs/captions --top-k 40", "samples among the 40 likeliest tokens; every result says so"),
            ],
        }
        .Word("run", "The folder of a finished run.", request => request.Run)
        .AlsoWrites(request => Path.Combine(request.Run, EvaluationDocument.FileName))
        .Number("--count", "Sequences to draw; BLEU and the like use no more than there are validation lines.", request => request.Options.Count,
            atLeast: 2)
        .Numbers("--temperatures", "Sampling temperatures of the quality-diversity curves, separated by commas.",
            request => request.Options.Temperatures, atLeast: 0.01, atMost: 100)
        .WithTruncation()
        .Text("--corpus", "file", "Where the run's corpus lies now, if it has moved; its content must be the same.",
            request => request.Options.Corpus, FileUse.Read)
        .Text("--grammar", "file", "The grammar that the corpus was drawn from; adds validity and exact divergences.",
            request => request.Options.Grammar, FileUse.Read)
        .Text("--oracle", "file|seed", "The oracle that the corpus was drawn from; adds nll/oracle, nats a token, of samples beside held-out NLL, at "
            + "each temperature too. Without it, the configuration's data.oracle, if there is one.", request => request.Options.Oracle, FileUse.Read)
        .Text("--method", "name", "What 'compare' calls this run's method; without it, the objective and its kind.",
            request => request.Options.Method)
        .Flag("--json", "Print one JSON document instead of a table.", request => request.IsJson);

    private static int Run(Request request, Surroundings surroundings)
    {
        FinalResults evaluated = FinalEvaluation.Evaluate(request.Run, request.Options, surroundings.Cancellation);
        surroundings.Print(
            request.IsJson, () => EvaluationTable.Document(evaluated).ToJsonString(JsonFormat.Options),
            writer => EvaluationTable.Write(evaluated, writer));

        return ExitCode.Done;
    }

    private sealed record Request : ISamplingRequest
    {
        public string Run { get; init; } = "";

        public FinalEvaluationOptions Options { get; init; } = new();

        public SamplingRule Sampling => Options.Sampling;

        public bool IsJson { get; init; }
    }
}
