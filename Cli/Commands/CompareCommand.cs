using System.CommandLine;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Evaluation.Report;
using GumbelGan.Storage;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan compare</c>: evaluated runs, grouped by method, over seeds.</summary>
internal static class CompareCommand
{
    /// <summary>The command, writing to the output of <paramref name="surroundings"/>.</summary>
    public static Command Create(Surroundings surroundings)
    {
        var runs = new Argument<string[]>("run")
        {
            Description = "Folders of evaluated runs; runs of one method with different seeds are its "
            + "observations.",
            Arity = ArgumentArity.OneOrMore
        };
        var report = new Option<string>("--report")
        {
            HelpName = "file",
            Description = "Also write one self-contained HTML page with curves, tables and samples."
        };
        var baseline = new Option<string>("--baseline")
        {
            HelpName = "method",
            Description = "The method that the others are tested against; mle where present."
        };
        var force = new Option<bool>(
            "--force")
        { Description = "Compare runs that differ in corpus, vocabulary, parameters, budget or evaluation; the table says so." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of tables." };
        var command = new ExplainedCommand("compare",
            "Compares evaluated runs by method: mean over seeds, 95% intervals, tests with effect sizes and Holm's correction.")
        {
            Examples =
            [
                new("gumbelgan compare runs/mle-1 runs/mle-2 runs/gumbel-1 runs/gumbel-2", "two methods, two seeds each"),
                new("gumbelgan compare runs/mle-1 runs/gumbel-1 --report report.html --json", "a page to look at and a document for a script"),
                new("gumbelgan compare runs/captions --report report.html", "one run: its results, curves and samples by step"),
            ],
        };
        command.Arguments.Add(runs);
        foreach (Option option in (Option[])[report, baseline, force, json])
        {
            command.Options.Add(option);
        }

        command.SetAction(parsed =>
        {
            var options = new ComparisonOptions { Force = parsed.GetValue(force), Baseline = parsed.GetValue(baseline) };
            var comparison = RunComparison.Create([.. parsed.GetRequiredValue(runs).Select(ComparedRun.Read)], options);
            if (parsed.GetValue(report) is { } file)
            {
                WriteReport(comparison, file, surroundings);
            }

            surroundings.Output.WriteLine((parsed.GetValue(json) ? ComparisonJson.Render(comparison) : ComparisonText.Render(comparison))
                .TrimEnd('\n'));
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteReport(RunComparison comparison, string file, Surroundings surroundings)
    {
        var charts = ChartLibrary.Find(AppContext.BaseDirectory, Directory.GetCurrentDirectory());
        AtomicFile.WriteAllText(file, HtmlReport.Render(comparison, charts, surroundings.Clock.GetUtcNow()));
        surroundings.Error.WriteLine(charts is null ? $"The report is {file}. {ChartLibrary.HowToGet}" : $"The report is {file}.");
    }
}
