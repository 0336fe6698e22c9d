using GumbelGan.Generators;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives.ControlVariates;

/// <summary>What is taken off a score function's returns and given back where it is known exactly; it learns to do so well.</summary>
/// <remarks>N places, V vocabulary.</remarks>
public abstract class ControlVariate(string name) : nn.Module(name)
{
    /// <summary>
    /// An estimate of the gradient of the expected return with respect to the logits of each place, whose mean is that of advantage * (one-hot - p)
    /// whatever the control variate has learned.
    /// </summary>
    /// <param name="places">Where.</param>
    /// <param name="advantages">[N], returns less a baseline that does not depend on the place's own token.</param>
    /// <returns>[N, V], differentiable with respect to its own parameters.</returns>
    public abstract Tensor LogitGradient(SampledPlaces places, Tensor advantages);

    /// <summary>Whether the estimate depends on random numbers of which the drawn tokens do not tell everything.</summary>
    public virtual bool DependsOnNoise => true;

    /// <summary>What can be measured of it, under TensorBoard tags.</summary>
    public virtual IReadOnlyList<(string Tag, double Value)> Measured => [];

    /// <summary>
    /// What it learns to make small: the mean squared length of the gradient with respect to the logits of a place, which is the variance but for
    /// what no control variate changes (Tucker et al. 2017, section 3.2; Grathwohl et al. 2018, eq. 10; there of all parameters).
    /// </summary>
    /// <param name="gradient">[N, V], of <see cref="LogitGradient"/>.</param>
    /// <returns>A scalar.</returns>
    public static Tensor Loss(Tensor gradient) => gradient.square().sum(-1).mean();

    /// <summary>H: what a generator of any kind remembers of a prefix is as wide as its hidden states are.</summary>
    protected static long StateWidth(IGenerator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        return generator.HiddenStates(full([1, 1], generator.Format.BeginId, ScalarType.Int64, generator.Device)).shape[2];
    }
}
