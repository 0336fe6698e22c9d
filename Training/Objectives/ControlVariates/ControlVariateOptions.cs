using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Training.Objectives.ControlVariates;

/// <summary>The control variate of the objectives rebar, relax and critic (docs/estimators.md).</summary>
public sealed record ControlVariateOptions
{
    /// <summary>Adam's step size for it.</summary>
    [Range(0, 10)]
    public double LearningRate { get; init; } = 3e-3;

    /// <summary>rebar and relax: the temperature of the relaxed tokens that it reads, which relax learns from there on.</summary>
    [Range(0.05, 20)]
    public double Temperature { get; init; } = 0.5;

    /// <summary>relax and critic: hidden units of its network.</summary>
    [Range(1, 65536)]
    public int Hidden { get; init; } = 64;
}
