using System.CommandLine;
using System.Text.Json;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Training.Runs;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan runs</c>: what is in the runs folder, the newest first.</summary>
internal static class RunsCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("runs", "Lists runs with their status, step, the selected checkpoint's held-out NLL (nats per token) and age.",
            request => Run(request, surroundings))
        {
            Examples = [new("gumbelgan runs", "the runs in runs/, the last changed first"),
                new("gumbelgan runs old-runs --json", "the same of another folder, for a script")],
        }
        .Word("folder", "The folder that holds the runs.", request => request.Folder)
        .Flag("--json", "Print one JSON document instead of a table.", request => request.IsJson);

    private static int Run(Request request, Surroundings surroundings)
    {
        IReadOnlyList<RunSummary> runs = RunSummary.ReadAll(request.Folder);
        surroundings.Print(
            request.IsJson, () => JsonSerializer.Serialize(runs.Select(RunsTable.Document), JsonFormat.Options),
            writer => RunsTable.Write(runs, surroundings.Clock, writer));

        return ExitCode.Done;
    }

    private sealed record Request
    {
        public string Folder { get; init; } = "runs";

        public bool IsJson { get; init; }
    }
}
