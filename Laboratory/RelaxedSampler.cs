using GumbelGan.Generators;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>Draws relaxed samples, freely or so that they show given sequences: the one place where the laboratory calls a relaxation.</summary>
/// <remarks>B sequences, T time, V vocabulary.</remarks>
/// <param name="Relaxation">Which.</param>
/// <param name="Temperature">Positive.</param>
/// <param name="Feedback">What the generator reads back.</param>
/// <param name="Noise">Keys the noise: step t has that of <c>Noise.Derive(t)</c>, as in a roll-out of the generator.</param>
/// <param name="Ids">[B, T] of int64, the tokens that samples shall have; null draws them.</param>
internal sealed record RelaxedSampler(Relaxation Relaxation, double Temperature, Feedback Feedback, RandomKey Noise, Tensor? Ids = null)
{
    /// <summary>The samples of step <paramref name="t"/>.</summary>
    /// <param name="t">From 0.</param>
    /// <param name="logits">[B, V] of float64.</param>
    /// <returns>[B, V].</returns>
    public Tensor Sample(int t, Tensor logits)
    {
        Tensor free = GumbelSoftmax.Noise(Noise.Derive((ulong)t), logits.shape[0], logits.shape[1]).to(ScalarType.Float64); // [B, V]
        Tensor noise = Ids is null ? free : Conditional(logits.detach(), free, Ids.select(1, t)); // [B, V]
        return GumbelSoftmax.Sample(logits, noise, Temperature, Relaxation, RelaxationInputs.FurtherDraws(Noise.Derive((ulong)t)));
    }

    /// <summary>Gumbel noise given that logits plus noise is largest at <paramref name="ids"/>.</summary>
    /// <param name="logits">[B, V].</param>
    /// <param name="free">[B, V], standard Gumbel noise, which becomes conditional.</param>
    /// <param name="ids">[B] of int64.</param>
    /// <returns>[B, V].</returns>
    internal static Tensor Conditional(Tensor logits, Tensor free, Tensor ids) => GumbelSoftmax.ConditionallyPerturbed(logits, ids, free) - logits;
}
