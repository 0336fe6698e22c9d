using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Training.Schedules;

/// <summary>How the temperature goes from its first value to its last.</summary>
public enum TemperatureSchedule
{
    /// <summary>Always the initial value.</summary>
    Constant,

    /// <summary>A straight line from initial to final (Kusner and Hernandez-Lobato 2016 go from 5 to 1).</summary>
    Linear,

    /// <summary>A straight line in the logarithm.</summary>
    Exponential,

    /// <summary>initial / beta_max^(n/N), RelGAN's (Nie et al. 2019), with N the real number of steps.</summary>
    Relgan,

    /// <summary>max(final, initial exp(-rate n)), Jang et al. (2017).</summary>
    Jang,

    /// <summary>Half a cosine from initial to final.</summary>
    Cosine,
}

/// <summary>
/// The temperature of the relaxation over the adversarial steps n = 1 ... N. With linear, exponential and cosine step N has the final value exactly.
/// </summary>
public sealed record TemperatureOptions : IValidatableObject
{
    /// <summary>constant, linear, exponential, relgan, jang or cosine.</summary>
    public TemperatureSchedule Schedule { get; init; } = TemperatureSchedule.Exponential;

    /// <summary>Where the temperature starts.</summary>
    [Range(1e-3, 1e4)]
    public double Initial { get; init; } = 1.0;

    /// <summary>Where it ends (jang: the floor; constant and relgan do not read it).</summary>
    [Range(1e-3, 1e4)]
    public double Final { get; init; } = 0.5;

    /// <summary>relgan: the inverse temperature of the last step, as a multiple of the first.</summary>
    [Range(1, 1e6)]
    public double BetaMax { get; init; } = 100;

    /// <summary>jang: how fast the temperature falls, per step.</summary>
    [Range(0, 10)]
    public double Rate { get; init; } = 1e-4;

    /// <summary>
    /// Steps over which the temperature changes; after them it stays. 0: all adversarial steps. A run that is extended keeps its own.
    /// </summary>
    [Range(0, 100000000)]
    public int Horizon { get; init; }

    /// <summary>The temperature of step <paramref name="step"/> of <paramref name="steps"/>.</summary>
    /// <param name="step">n, from 1 to N.</param>
    /// <param name="steps">N.</param>
    public double At(long step, long steps)
    {
        double progress = Schedules.Horizon.Progress(Horizon, step, steps);
        return Schedule switch
        {
            TemperatureSchedule.Constant => Initial,
            TemperatureSchedule.Linear => Initial + (Final - Initial) * progress,
            TemperatureSchedule.Exponential => Initial * Math.Pow(Final / Initial, progress),
            TemperatureSchedule.Relgan => Initial / Math.Pow(BetaMax, progress),
            TemperatureSchedule.Jang => Math.Max(Final, Initial * Math.Exp(-Rate * (Horizon > 0 ? Math.Min(step, Horizon) : step))),
            TemperatureSchedule.Cosine => Final + (Initial - Final) * (1 + Math.Cos(Math.PI * progress)) / 2,
            _ => throw new InvalidOperationException($"No such schedule: {Schedule}."),
        };
    }

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Schedule == TemperatureSchedule.Relgan && Initial / BetaMax < 1e-3)
        {
            yield return new ValidationResult("must not take the temperature below 0.001; lower beta_max or raise initial.", [nameof(BetaMax)]);
        }
    }
}
