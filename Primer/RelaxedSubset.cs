using GumbelGan.Generators;
using static TorchSharp.torch;

namespace GumbelGan.Primer;

/// <summary>Choosing k of n, with a gradient.</summary>
/// <remarks>N draws, n things.</remarks>
internal static class RelaxedSubset
{
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
            Tensor scaled = left / temperature; // [N, n]
            taken = taken + scaled.softmax(-1);
            left = left + LogOfTheOthers(scaled) - scaled.logsumexp(-1, keepdim: true);
        }

        return taken;
    }

    /// <summary>
    /// The same, but nothing is taken more than once. Where some logits are far ahead, the sum above gives to them what others should get: then a
    /// loss that rewards it drives them further ahead still, and the others are never tried.
    /// </summary>
    public static Tensor Capped(Tensor logits, Tensor noise, int k, double temperature) => Sample(logits, noise, k, temperature).clamp_max(1);

    /// <summary>Forward the k largest of logits + noise, backward the capped relaxed sample.</summary>
    public static Tensor StraightThrough(Tensor logits, Tensor noise, int k, double temperature)
    {
        Tensor relaxed = Capped(logits, noise, k, temperature); // [N, n]
        return Largest(logits + noise, k) + (relaxed - relaxed.detach());
    }

    /// <summary>Ones at the k largest of each row, [N, n].</summary>
    public static Tensor Largest(Tensor keys, int k) => GumbelSoftmax.OneHot(keys.topk(k).indexes, keys.shape[^1]).sum(-2);

    // ln of the sum of the others' exp: less the ln of the whole sum, it is ln(1 - softmax), exact where the softmax itself is rounded to 1.
    private static Tensor LogOfTheOthers(Tensor scaled)
    {
        Tensor itself = eye(scaled.shape[^1], dtype: ScalarType.Bool); // [n, n]
        return scaled.unsqueeze(-2).masked_fill(itself, double.NegativeInfinity).logsumexp(-1); // [N, n, n] -> [N, n]
    }
}
