using GumbelGan.Generators;
using static TorchSharp.torch;

namespace GumbelGan.Primer;

/// <summary>Choosing k of n, with a gradient.</summary>
/// <remarks>N draws, n things.</remarks>
internal static class RelaxedSubset
{
    // Below this the logarithm of what is left of a thing would be infinite.
    private const double LeastLeft = 1e-6;

    /// <summary>
    /// Relaxed top-k (Plötz and Roth 2018; Xie and Ermon 2019): k softmaxes in a row, each of what the ones before have left. As the
    /// temperature falls, the result goes to ones at the k largest of logits + noise, which is a draw without replacement.
    /// </summary>
    /// <returns>[N, n], each row's sum k.</returns>
    public static Tensor Sample(Tensor logits, Tensor noise, int k, double temperature)
    {
        Tensor left = logits + noise, taken = zeros_like(left); // [N, n]
        for (int pick = 0; pick < k; pick++)
        {
            Tensor picked = (left / temperature).softmax(-1); // [N, n]
            taken = taken + picked;
            left = left + (1 - picked).clamp_min(LeastLeft).log();
        }

        return taken;
    }

    /// <summary>Forward the k largest of logits + noise, backward the relaxed sample.</summary>
    public static Tensor StraightThrough(Tensor logits, Tensor noise, int k, double temperature)
    {
        Tensor relaxed = Sample(logits, noise, k, temperature); // [N, n]
        return Largest(logits + noise, k) + (relaxed - relaxed.detach());
    }

    /// <summary>Ones at the k largest of each row, [N, n].</summary>
    public static Tensor Largest(Tensor keys, int k) => GumbelSoftmax.OneHot(keys.topk(k).indexes, keys.shape[^1]).sum(-2);
}
