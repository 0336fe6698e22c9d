using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives.ControlVariates;

namespace GumbelGan.Training.Objectives;

/// <summary>One objective that a run can have.</summary>
/// <param name="Name">In configurations.</param>
/// <param name="Create">Makes it.</param>
/// <param name="MethodName">The name under which a comparison groups runs of this kind: what sets methods apart, and nothing else.</param>
public sealed record ObjectiveKind(string Name, Func<TrainingParts, Objective> Create, Func<RunConfig, string> MethodName) : INamedKind
{
    /// <summary>Every objective. Whoever asks what objectives there are, asks here.</summary>
    public static IReadOnlyList<ObjectiveKind> All =>
    [
        LikelihoodObjective.Kind,
        GumbelObjective.Kind,
        ReinforceObjective.Kind,
        ReinforceObjective.LeaveOneOutKind,
        RebarObjective.Kind,
        RelaxObjective.Kind,
        CriticObjective.Kind,
        MixtureObjective.Kind,
    ];

    /// <summary>What a run learns by that does not say otherwise.</summary>
    public static ObjectiveKind Default => GumbelObjective.Kind;

    /// <summary>The method that others are tested against unless asked otherwise.</summary>
    public static ObjectiveKind Baseline => LikelihoodObjective.Kind;

    /// <summary>What in a configuration contradicts this objective, in a sentence that names the keys; null where nothing does.</summary>
    public Func<RunConfig, string?> Problem { get; init; } = _ => null;

    /// <summary>Updates of the generator in a step of the last phase.</summary>
    public Func<RunConfig, int> GeneratorUpdatesAStep { get; init; } = config => config.Adversarial.GeneratorSteps;

    /// <summary>Whether anything in it reads the discriminator.</summary>
    public bool HasDiscriminator { get; init; } = true;

    /// <summary>Whether the generator minimises adversarial.loss, and not a reward.</summary>
    public bool MinimisesGameLoss { get; init; } = true;

    /// <summary>The keys, or beginnings of keys, that it reads and not every objective does; null where it reads all there are.</summary>
    public IReadOnlyList<string>? Reads { get; init; }

    /// <summary>Tells of keys that somebody has set and that do nothing here.</summary>
    /// <param name="keys">As in configurations.</param>
    /// <returns>A sentence, or null where all of them do something.</returns>
    public string? RemarkOn(IEnumerable<string> keys)
    {
        string[] idle = [.. keys.Where(key => !IsRead(key)).Distinct()];
        return idle.Length == 0 ? null : $"With objective {Name} {string.Join(", ", idle)} {(idle.Length == 1 ? "has" : "have")} no effect.";
    }

    /// <summary>Whether it does anything with a key.</summary>
    public bool IsRead(string key)
    {
        return Reads is not { } own || Holds(own) || !All.Any(kind => Holds(kind.Reads ?? []));
        bool Holds(IReadOnlyList<string> beginnings) =>
            beginnings.Any(beginning => key == beginning || key.StartsWith($"{beginning}.", StringComparison.Ordinal));
    }

    /// <summary>Makes its control variate, where it has one that learns; null elsewhere.</summary>
    public Func<ControlVariateParts, ControlVariate>? ControlVariate { get; init; }

    /// <summary>What <c>gumbelgan bench</c> calls a step of the last phase.</summary>
    public string BenchmarkName { get; init; } = Name;

    /// <summary>What that step is, for the help text.</summary>
    public string BenchmarkedStep { get; init; } = "one step of this objective";

    /// <summary>Whether the benchmark leaves the discriminator's update out of that step.</summary>
    public bool IsBenchmarkedWithoutDiscriminator { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
