using System.ComponentModel.DataAnnotations;
using GumbelGan.Generators;
using GumbelGan.Training.Losses;

namespace GumbelGan.Training.Configuration;

/// <summary>
/// The phase in which the generator learns from the discriminator (with objective mle: the same number of further likelihood steps).
/// </summary>
public sealed record AdversarialOptions
{
    /// <summary>Adversarial steps N; 0 skips the phase.</summary>
    [Range(0, 100000000)]
    public int Steps { get; init; } = 1000;

    /// <summary>Sequences of each kind a step.</summary>
    [Range(1, 65536)]
    public int BatchSize { get; init; } = 64;

    /// <summary>non_saturating, relativistic, hinge or wasserstein.</summary>
    public GameLoss Loss { get; init; } = GameLoss.Default;

    /// <summary>Generator updates a step.</summary>
    [Range(1, 1000)]
    public int GeneratorSteps { get; init; } = 1;

    /// <summary>Discriminator updates a step.</summary>
    [Range(1, 1000)]
    public int DiscriminatorSteps { get; init; } = 1;

    /// <summary>Discriminator updates before the first adversarial step, the generator frozen.</summary>
    [Range(0, 100000)]
    public int DiscriminatorWarmUpSteps { get; init; } = 100;

    /// <summary>Adam's step size for the generator.</summary>
    [Range(0, 10)]
    public double GeneratorLearningRate { get; init; } = 1e-4;

    /// <summary>Adam's step size for the discriminator.</summary>
    [Range(0, 10)]
    public double DiscriminatorLearningRate { get; init; } = 1e-4;

    /// <summary>Adam's first decay rate, for both networks.</summary>
    [Range(0, 0.9999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Gradients are scaled down to this joint norm; 0 does not clip.</summary>
    [Range(0, 1e6)]
    public double ClipNorm { get; init; } = 5;

    /// <summary>Weight of the gradient penalty on points between real and generated sequences; wasserstein needs it.</summary>
    [Range(0, 1e6)]
    public double GradientPenalty { get; init; }

    /// <summary>What a sample looks like to the discriminator, and which gradient it carries (docs/estimators.md).</summary>
    public Relaxation Relaxation { get; init; } = Relaxation.Default;
}
