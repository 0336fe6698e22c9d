using GumbelGan.Generators;
using static TorchSharp.torch;

namespace GumbelGan.Primer;

/// <summary>Draws k of n things without replacement, relaxed so that a gradient passes.</summary>
/// <remarks>N draws, n things.</remarks>
internal static class RelaxedSubset
{
    /// <summary>
    /// Relaxed top-k (Plötz and Roth 2018; Xie and Ermon 2019): the sum of k softmaxes, each of which takes what the ones before have left. As the
    /// temperature falls, it tends to ones at the k largest of logits + noise, which is a draw without replacement.
    /// </summary>
    /// <returns>[N, n], each row's sum k.</returns>
    public static Tensor Sample(Tensor logits, Tensor noise, int k, double temperature)
    {
        Tensor left = logits + noise, taken = zeros_like(left); // [N, n]
        for (int pick = 0; pick < k; pick++)
        {
            Tensor scaled = left / temperature; // [N, n]
            taken = taken + scaled.softmax(-1);
            left = left + LogOfTheOthers(scaled) - scaled.logsumexp(-1, keepdim: true);
        }

        return taken;
    }

    /// <summary>
    /// The same with no entry above 1. In the sum some entries exceed 1 where their logits are far ahead, at the expense of the others. A loss that
    /// rewards them drives these logits further ahead still, and the other things are never tried.
    /// </summary>
    public static Tensor Capped(Tensor logits, Tensor noise, int k, double temperature) => Sample(logits, noise, k, temperature).clamp_max(1);

    /// <summary>Straight-through: the value is that of the k largest of logits + noise, the gradient that of <see cref="Capped"/>.</summary>
    public static Tensor StraightThrough(Tensor logits, Tensor noise, int k, double temperature)
    {
        Tensor relaxed = Capped(logits, noise, k, temperature); // [N, n]
        return Largest(logits + noise, k) + (relaxed - relaxed.detach());
    }

    /// <summary>Ones at the k largest of each row, [N, n].</summary>
    public static Tensor Largest(Tensor keys, int k) => GumbelSoftmax.OneHot(keys.topk(k).indexes, keys.shape[^1]).sum(-2);

    // For each entry, ln of the sum of exp over the others. Minus the ln of the whole sum it is ln(1 - softmax), exact where softmax rounds to 1.
    private static Tensor LogOfTheOthers(Tensor scaled)
    {
        Tensor itself = eye(scaled.shape[^1], dtype: ScalarType.Bool); // [n, n]
        return scaled.unsqueeze(-2).masked_fill(itself, double.NegativeInfinity).logsumexp(-1); // [N, n, n] -> [N, n]
    }
}
