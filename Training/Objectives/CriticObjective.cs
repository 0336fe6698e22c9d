using GumbelGan.Training.Objectives.ControlVariates;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// A score function with a critic as its control variate along the whole sequence (<see cref="CriticControlVariate"/>): unbiased, unlike an actor
/// that follows its critic, since the return puts the critic's error right.
/// </summary>
public static class CriticObjective
{
    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = ControlVariateObjective.KindOf("critic", parts => new CriticControlVariate(parts));
}
