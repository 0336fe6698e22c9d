using GumbelGan.Storage;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Cli.Commands;

/// <summary>What the user asked of <c>gumbelgan train</c>, as typed; null where nothing was said.</summary>
public sealed record TrainRequest
{
    /// <summary>A YAML file, or null.</summary>
    public string? Config { get; init; }

    /// <summary>The name of a recipe in Training/recipes, or null.</summary>
    public string? Recipe { get; init; }

    /// <summary>The run folder to write, or null to choose one.</summary>
    public string? Run { get; init; }

    /// <summary>The run folder to continue, or null.</summary>
    public string? Resume { get; init; }

    /// <summary>Every <c>--extend</c>, in the order given: by how much to lengthen what.</summary>
    public IReadOnlyList<ConfigurationAssignment> Extensions { get; init; } = [];

    /// <summary>Check everything and print the resolved configuration, or what resuming would do, but do not train.</summary>
    public bool DryRun { get; init; }

    /// <summary>No progress, only warnings and the result.</summary>
    public bool Quiet { get; init; }

    /// <summary>
    /// What overrides the file: first the options that stand for a key (<c>--corpus</c>, <c>--objective</c>, <c>--seed</c>, <c>--device</c>,
    /// <c>--threads</c>), then every <c>--set</c> in the order given.
    /// </summary>
    public IReadOnlyList<ConfigurationAssignment> Assignments { get; init; } = [];

    /// <summary>The same request with one more assignment, which wins over those before it.</summary>
    internal TrainRequest With(ConfigurationAssignment assignment) => this with { Assignments = [.. Assignments, assignment] };

    /// <summary>Refuses options that contradict each other.</summary>
    /// <exception cref="UserMistakeException">A run that goes on has its configuration already.</exception>
    internal void Check()
    {
        if (this is { Resume: not null } and not { Config: null, Recipe: null, Run: null })
        {
            throw new UserMistakeException("--resume continues a run with its own configuration; leave --config, --recipe and --run out.");
        }

        if (Resume is null && Extensions.Count > 0)
        {
            throw new UserMistakeException("--extend lengthens a run that exists; name it with --resume.");
        }

        if (Resume is not null && Assignments.Count > 0)
        {
            throw new UserMistakeException(
                $"--resume continues a run with its own configuration, so {Assignments[0].Origin} cannot be given.");
        }
    }
}
