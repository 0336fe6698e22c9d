using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Training.Sweeps;

/// <summary>What a sweep file says beside the configuration of its runs and the settings.</summary>
public sealed record SweepOptions
{
    /// <summary>A recipe that every run begins with; empty for none.</summary>
    public string Recipe { get; init; } = "";

    /// <summary>The folder of all its runs; empty for runs/ and the file's name.</summary>
    public string Output { get; init; } = "";

    /// <summary>Every setting is run with each of these seeds.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [1];

    /// <summary>Runs at a time on one machine; 0 for one a core.</summary>
    [Range(0, 4096)]
    public int Jobs { get; init; }

    /// <summary>How a run is evaluated when its training has ended.</summary>
    public SweepEvaluationOptions Evaluation { get; init; } = new();

    /// <summary>Options of sbatch, such as --time=01:00:00, that stand in the job script.</summary>
    public IReadOnlyList<string> Slurm { get; init; } = [];
}

/// <summary>The final evaluation of every run: see <see cref="Watching.FinalEvaluationOptions"/>.</summary>
public sealed record SweepEvaluationOptions
{
    /// <summary>Sequences to draw.</summary>
    [Range(2, 100000000)]
    public int Count { get; init; } = new Watching.FinalEvaluationOptions().Count;

    /// <summary>Sampling temperatures of the quality-diversity curves.</summary>
    [Range(0.01, 100)]
    public IReadOnlyList<double> Temperatures { get; init; } = new Watching.FinalEvaluationOptions().Temperatures;
}
