using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using GumbelGan.Training.Runs;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan runs</c>: what is in the runs folder, the newest first.</summary>
internal static class RunsCommand
{
    private static readonly JsonSerializerOptions _json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static Command Create(Surroundings surroundings)
    {
        var folder = new Argument<string>("folder") { Description = "The folder that holds the runs.", DefaultValueFactory = _ => "runs" };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        var command =
            new ExplainedCommand("runs", "Lists runs with their status, step, the selected checkpoint's held-out NLL (nats per token) and age.")
            {
                Examples = [new("gumbelgan runs", "the runs in runs/, the last changed first"),
                new("gumbelgan runs old-runs --json", "the same of another folder, for a script")],
            };
        command.Arguments.Add(folder);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            IReadOnlyList<RunSummary> runs = RunSummary.ReadAll(parsed.GetRequiredValue(folder));
            if (parsed.GetValue(json))
            {
                surroundings.Output.WriteLine(JsonSerializer.Serialize(runs.Select(run => Document(run)), _json));
            }
            else
            {
                WriteTable(runs, surroundings);
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static object Document(RunSummary run) => new
    {
        run.Name,
        Status = run.Status.ToString().ToLowerInvariant(),
        run.Phase,
        run.Step,
        run.SelectedValidationNll,
        run.SelectedStep,
        run.TestNll,
        run.LastWrite,
    };

    private static void WriteTable(IReadOnlyList<RunSummary> runs, Surroundings surroundings)
    {
        string[][] rows =
        [
            ["run", "status", "phase", "step", "selected NLL", "at step", "test NLL", "age"],
            .. runs.Select(run => (string[])
            [
                run.Name,
                run.Status.ToString().ToLowerInvariant(),
                run.Phase ?? "-",
                run.Step?.ToString(CultureInfo.InvariantCulture) ?? "-",
                Nll(run.SelectedValidationNll),
                run.SelectedStep?.ToString(CultureInfo.InvariantCulture) ?? "-",
                Nll(run.TestNll),
                run.AgeInWords(surroundings.Clock),
            ]),
        ];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
        {
            surroundings.Output.WriteLine(string.Join("  ", row.Zip(widths, (cell, width) => cell.PadRight(width))).TrimEnd());
        }
    }

    private static string Nll(double? nats) => nats?.ToString("F3", CultureInfo.InvariantCulture) ?? "-";
}
