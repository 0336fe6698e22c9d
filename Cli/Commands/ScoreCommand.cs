using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan score</c>: how likely a run's generator finds a text.</summary>
internal static class ScoreCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("score", "Tells how likely a run's generator finds a text: nats a token and perplexity, in all and of each line.",
            request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan score runs/captions sentences.txt", "each line and the whole"),
                new("gumbelgan score runs/captions test.txt --best --json", "as 'evaluate' measures the selected checkpoint; for a script"),
            ],
        }
        .Word("run", "A run folder.", request => request.Run, FileUse.Read)
        .Word("text", "A UTF-8 text file, one sequence a line, read as the run's corpus was; where sequences end, the end counts as a token.",
            request => request.Text, FileUse.Read)
        .WithGeneratorChoice()
        .Flag("--json", "Print one JSON document instead of a table.", request => request.IsJson);

    private static int Run(Request request, Surroundings surroundings)
    {
        TextScore score;
        using (ChosenGenerator chosen = request.Choice.Load(RunFolder.Open(request.Run)))
        {
            score = TextScore.Of(chosen, request.Text);
        }

        surroundings.Print(
            request.IsJson, () => ScoreTable.Document(score).ToJsonString(JsonFormat.Options),
            writer => ScoreTable.Write(score, writer));

        return ExitCode.Done;
    }

    private sealed record Request : IGeneratorRequest
    {
        public string Run { get; init; } = "";

        public string Text { get; init; } = "";

        public GeneratorChoice Choice { get; init; } = new();

        public bool IsJson { get; init; }
    }
}
