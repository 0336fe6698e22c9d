using GumbelGan.Engine;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>Dropout (Srivastava et al. 2014), scaled so that the mean stays.</summary>
/// <param name="Share">Of the values that is set to zero, in [0, 1).</param>
/// <param name="Key">Keys which.</param>
public readonly record struct DropoutDraw(double Share, RandomKey Key)
{
    /// <summary>Values of which some are dropped; they themselves where nothing is.</summary>
    internal static Tensor Drop(Tensor values, DropoutDraw? dropout, string place) =>
        Factors(values.shape, dropout, place) is { } factors ? values * factors.to(values.device) : values;

    /// <summary>What dropout multiplies values of <paramref name="shape"/> by, on the CPU; null where nothing is dropped.</summary>
    internal static Tensor? Factors(long[] shape, DropoutDraw? dropout, string place)
    {
        if (dropout is not { Share: > 0 } active)
        {
            return null;
        }

        Tensor factors = empty(shape);
        RandomFill.Dropout(active.Key.Derive(place), active.Share, TensorMemory.Numbers(factors));
        return factors;
    }
}
