using GumbelGan.Training.Objectives.ControlVariates;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// REBAR (Tucker, Mnih, Maddison, Lawson and Sohl-Dickstein 2017) for sequences: a score function whose control variate is the discriminator's own
/// score of a sequence that is broken off behind a relaxed token (<see cref="RebarControlVariate"/>).
/// </summary>
public static class RebarObjective
{
    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = ControlVariateObjective.KindOf("rebar", parts => new RebarControlVariate(parts));
}
