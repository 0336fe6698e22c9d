using GumbelGan.Generators;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Extending;

/// <summary>
/// Straight-through (Bengio, Leonard and Courville 2013): forward a hard sample, backward the probabilities, which know nothing of the noise.
/// </summary>
public static class PlainStraightThroughRelaxation
{
    /// <summary>In the catalogue.</summary>
    public static Relaxation Entry { get; } = new("plain_straight_through", Sample) { IsHard = true, DependsOnNoise = false };

    private static Tensor Sample(Tensor logits, Tensor noise, double temperature)
    {
        Tensor probabilities = (logits / temperature).softmax(-1); // [B, V]
        Tensor hard = GumbelSoftmax.OneHot((logits + noise).argmax(-1), logits.shape[^1]); // [B, V]
        return hard + (probabilities - probabilities.detach());
    }
}
