using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Training.Objectives;

/// <summary>How much of the objective mixture's gradient is the relaxation's; what is left is the score function's.</summary>
public sealed record MixtureOptions
{
    /// <summary>The relaxation's share where the adversarial phase begins.</summary>
    [Range(0, 1)]
    public double Initial { get; init; } = 1;

    /// <summary>Its share in the last step, to which it goes in a straight line; the last step has it exactly.</summary>
    [Range(0, 1)]
    public double Final { get; init; }

    /// <summary>
    /// Steps over which the share goes from initial to final, where it stays; 0: all adversarial steps. A run that is extended keeps its own.
    /// </summary>
    [Range(0, 100000000)]
    public int Horizon { get; init; }

    /// <summary>The share in step <paramref name="step"/> of <paramref name="steps"/>.</summary>
    /// <param name="step">From 1.</param>
    /// <param name="steps">Of the phase.</param>
    public double At(long step, long steps) => Initial + (Final - Initial) * Schedules.Horizon.Progress(Horizon, step, steps);
}
