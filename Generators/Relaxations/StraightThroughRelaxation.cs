using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// Straight-through Gumbel-Softmax (Jang, Gu and Poole 2017, section 2.2): forward the nearest one-hot, backward the relaxed sample.
/// </summary>
public static class StraightThroughRelaxation
{
    /// <summary>In the catalogue.</summary>
    public static Relaxation Entry { get; } = new("straight_through", Sample) { Fused = RowForm.OneHotForward, IsHard = true };

    private static Tensor Sample(Tensor logits, Tensor noise, double temperature)
    {
        Tensor relaxed = SoftRelaxation.Entry.Sample(logits, noise, temperature); // [B, V]

        // relaxed - relaxed.detach() is exactly zero, so the forward value is exactly the one-hot.
        return GumbelSoftmax.OneHot(relaxed.argmax(-1), logits.shape[^1]) + (relaxed - relaxed.detach());
    }
}
