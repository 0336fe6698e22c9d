using GumbelGan.Evaluation.Metrics;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Cli.Commands;

/// <summary>What the user asked of <c>gumbelgan sweep</c>.</summary>
internal sealed record SweepRequest
{
    /// <summary>The sweep file.</summary>
    public string File { get; init; } = "";

    /// <summary>The folder of the runs; null for the file's own.</summary>
    public string? Output { get; init; }

    /// <summary>What overrides the configuration of every run.</summary>
    public IReadOnlyList<ConfigurationAssignment> Assignments { get; init; } = [];

    /// <summary>Runs at a time; 0 for what the file says.</summary>
    public int Jobs { get; init; }

    /// <summary>Threads a run; 0 for a fair share of the cores.</summary>
    public int Threads { get; init; }

    /// <summary>The one run to do; -1 for all.</summary>
    public int Index { get; init; } = -1;

    /// <summary>Check and list, but run nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Print the number of runs.</summary>
    public bool Count { get; init; }

    /// <summary>Submit the runs to Slurm.</summary>
    public bool Slurm { get; init; }

    /// <summary>A job script whose lines come before the run; null for none.</summary>
    public string? Template { get; init; }

    /// <summary>Rank the settings by this metric; null to run.</summary>
    public string? Best { get; init; }

    /// <summary>Show it against this key, a curve a method; null for a ranking.</summary>
    public string? Against { get; init; }

    /// <summary>Files with the curves of other sweeps, to be shown beside these.</summary>
    public IReadOnlyList<string> Beside { get; init; } = [];

    /// <summary>The page for those curves; null for none.</summary>
    public string? Page { get; init; }

    /// <summary>The least value of it is best.</summary>
    public bool Lowest { get; init; }

    /// <summary>The greatest value of it is best.</summary>
    public bool Highest { get; init; }

    /// <summary>One JSON document.</summary>
    public bool IsJson { get; init; }

    /// <summary>The direction that was asked for; null for the metric's own.</summary>
    internal Better? Direction => Lowest ? Better.Lower : Highest ? Better.Higher : null;

    /// <summary>Refuses options that contradict each other.</summary>
    /// <exception cref="UserMistakeException">Some do.</exception>
    internal void Check()
    {
        string[] asked = [.. new (bool Given, string Name)[] { (Index >= 0, "--index"), (Count, "--count"), (Best is not null, "--best"),
            (Slurm, "--slurm") }
            .Where(option => option.Given).Select(option => option.Name)];
        if (asked.Length > 1)
        {
            throw new UserMistakeException($"{asked[0]} and {asked[1]} ask for different things; give one of them.");
        }

        if (Template is not null && !Slurm)
        {
            throw new UserMistakeException("--template is the job script of --slurm; give both, or neither.");
        }

        if (Lowest && Highest)
        {
            throw new UserMistakeException("--lowest and --highest contradict each other; give one of them, or neither.");
        }

        if (Page is not null && Against is null)
        {
            throw new UserMistakeException("--page draws a metric against a key; name the key with --against, for example adversarial.batch_size.");
        }

        if (Beside.Count > 0 && Against is null)
        {
            throw new UserMistakeException("--beside shows other curves beside those of --against; name the key with it.");
        }

        if (Best is null && (IsJson || Direction is not null || Against is not null))
        {
            throw new UserMistakeException(
                "--json, --lowest, --highest and --against belong to --best; name the metric with it, for example --best nll/validation.");
        }
    }
}
