using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Objectives;

/// <summary>One objective that a run can have.</summary>
/// <param name="Kind">Its name in the configuration.</param>
/// <param name="Create">Makes it.</param>
/// <param name="MethodName">The name under which a comparison groups runs of this kind: what sets methods apart, and nothing else.</param>
public sealed record ObjectiveEntry(ObjectiveKind Kind, Func<TrainingParts, Objective> Create, Func<RunConfig, string> MethodName);

/// <summary>Every objective. Whoever asks what kinds there are, asks here.</summary>
public static class ObjectiveCatalogue
{
    /// <summary>All of them, in the order of the help text.</summary>
    public static IReadOnlyList<ObjectiveEntry> All { get; } =
    [
        new(ObjectiveKind.Mle, parts => new LikelihoodObjective(parts), _ => "mle"),
        new(ObjectiveKind.Gumbel, parts => new GumbelObjective(parts), GumbelObjective.MethodName),
        new(ObjectiveKind.Reinforce, parts => new ReinforceObjective(parts), ReinforceObjective.MethodName),
    ];

    /// <summary>The entry of a kind.</summary>
    public static ObjectiveEntry Of(ObjectiveKind kind) => All.Single(entry => entry.Kind == kind);
}
