using GumbelGan.Training.Objectives.ControlVariates;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// RELAX (Grathwohl, Choi, Wu, Roeder and Duvenaud 2018) for sequences: a score function whose control variate is a network of the generator's state
/// and a relaxed token (<see cref="RelaxControlVariate"/>).
/// </summary>
public static class RelaxObjective
{
    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = ControlVariateObjective.KindOf("relax", parts => new RelaxControlVariate(parts));
}
