using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Evaluation.Report;
using GumbelGan.Training.Objectives;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan compare</c>: evaluated runs, grouped by method, over seeds.</summary>
internal static class CompareCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("compare",
            "Compares evaluated runs by method: mean over seeds, 95% intervals, tests with effect sizes and Holm's correction.",
            request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan compare runs/mle-1 runs/mle-2 runs/gumbel-1 runs/gumbel-2", "two methods, two seeds each"),
                new("gumbelgan compare runs/sweep", "every run of a sweep, by setting"),
                new("gumbelgan compare runs/captions --report report.html", "one run: its results, curves and samples by step"),
                new("gumbelgan compare runs/mle-1 runs/gumbel-1 --report report.html --json", "a page to look at and a document for a script"),
            ],
        }
        .Words("run", "Folders of evaluated runs, or of a whole sweep; runs of one method with different seeds are its observations.",
            request => request.Runs, FileUse.Read)
        .Text("--report", "file", "Also write one self-contained HTML page with curves, tables and samples.", request => request.Report,
            FileUse.Write)
        .Text("--baseline", "method",
            $"The method that the others are tested against; {ObjectiveKind.Baseline} where present.", request => request.Options.Baseline)
        .Flag("--force", "Compare runs that differ in corpus, vocabulary, parameters, budget or evaluation; the table says so.",
            request => request.Options.Force)
        .Flag("--json", "Print one JSON document instead of tables.", request => request.IsJson);

    private static int Run(Request request, Surroundings surroundings)
    {
        var comparison = RunComparison.Create(
            [.. request.Runs.SelectMany(folder => ComparedRun.Below(folder, request.Options.Force)).Select(ComparedRun.Read)], request.Options);
        if (request.Report is { } file)
        {
            PageFile.Write(file, "report", charts => HtmlReport.Render(comparison, charts, surroundings.Clock.GetUtcNow()), surroundings);
        }

        surroundings.Print(
            request.IsJson, () => ComparisonJson.Render(comparison),
            writer => ComparisonTables.Write(comparison, writer));

        return ExitCode.Done;
    }

    private sealed record Request
    {
        public IReadOnlyList<string> Runs { get; init; } = [];

        public string? Report { get; init; }

        public ComparisonOptions Options { get; init; } = new() { UsualBaseline = ObjectiveKind.Baseline.Name };

        public bool IsJson { get; init; }
    }
}
