using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan sweep</c>: many runs from one file, on this machine or by a scheduler.</summary>
internal static class SweepCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<SweepRequest>("sweep",
            "Does many runs, settings times seeds, from one YAML file; what is done already is kept, and what was interrupted goes on.",
            request =>
            {
                request.Check();
                return SweepAction.Run(request, surroundings);
            })
        {
            Examples =
            [
                new("gumbelgan sweep settings.yaml", "every run, one a core, into runs/settings"),
                new("gumbelgan sweep settings.yaml --dry-run", "check every setting, and list the runs"),
                new("gumbelgan sweep settings.yaml --best nll/validation", "the settings by their mean over seeds"),
                new("gumbelgan sweep settings.yaml --best nll/validation --against adversarial.batch_size --page curves.html",
                    "how each method depends on its batch"),
                new("gumbelgan sweep settings.yaml --index 3", "run 3 alone: what a scheduler's job calls"),
                new("gumbelgan sweep settings.yaml --slurm --jobs 20", "a job array on Slurm, at most 20 at a time"),
            ],
            FurtherHelp = SweepHelp.Write,
        }
        .Word("file", "The sweep file.", request => request.File, FileUse.Read)
        .Text("--output", "folder", "Where the runs are; without it the file's 'output', or else runs/ and the file's name.",
            request => request.Output)
        .Texts("--set", "key=value", "Override a configuration key of every run; may be given several times.",
            (request, text) => request with { Assignments = [.. request.Assignments, ConfigurationAssignment.Parse(text)] })
        .Number("--jobs", "Runs at a time; 0 for what the file says, or else one a core (on Slurm, as many as it gives).", request => request.Jobs,
            atLeast: 0, atMost: 4096)
        .Number("--threads", "Threads a run, where its configuration leaves that open; 0 for a fair share of the cores.", request => request.Threads,
            atLeast: 0, atMost: 1024)
        .Number("--index", "Do this run alone, counted from 0, or go on with it.", request => request.Index, atLeast: 0, hasVaryingDefault: true)
        .Flag("--count", "Print how many runs there are.", request => request.Count)
        .Flag("--dry-run", "Check every setting, list the runs, and stop.", request => request.DryRun)
        .Flag("--slurm",
            "Write a job script and submit the runs that are not done as one job array with sbatch; with --dry-run only write and print it.",
            request => request.Slurm)
        .Text("--template", "file", "With --slurm: a job script whose lines, #SBATCH and others, come before the run.", request => request.Template,
            FileUse.Read)
        .Text("--best", "metric", "Rank the settings by a metric that their runs recorded while training: nll/validation, seconds, "
            + $"{string.Join(", ", MetricCatalogue.TagsWhileTraining)}.", request => request.Best)
        .Text("--against", "key", "With --best: the metric against this key, which holds a number, one curve a method.", request => request.Against)
        .Texts("--beside", "file", "With --against: show the curves of another sweep too, as --json has printed them; may be given several times.",
            (request, text) => request with { Beside = [.. request.Beside, text] }, use: FileUse.Read)
        .Text("--page", "file", "With --against: an HTML page with the curves.", request => request.Page, FileUse.Write)
        .Flag("--lowest", "With --best: lower is better, whatever the metric's own direction.", request => request.Lowest)
        .Flag("--highest", "With --best: higher is better.", request => request.Highest)
        .Flag("--json", "With --best: print one JSON document instead of a table.", request => request.IsJson);
}
