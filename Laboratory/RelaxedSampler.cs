using GumbelGan.Generators;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>Draws relaxed samples, unconditionally or given their tokens. The laboratory calls a relaxation here alone.</summary>
/// <remarks>B sequences, T time, V vocabulary.</remarks>
/// <param name="Relaxation">The relaxation.</param>
/// <param name="Temperature">Positive.</param>
/// <param name="Feedback">What the generator reads back.</param>
/// <param name="Noise">Keys the noise: that of step t has the key <c>Noise.Derive(t)</c>, as in a roll-out of the generator.</param>
/// <param name="Ids">[B, T] of int64, the tokens given; null where they are drawn.</param>
internal sealed record RelaxedSampler(Relaxation Relaxation, double Temperature, Feedback Feedback, RandomKey Noise, Tensor? Ids = null)
{
    /// <summary>The samples of step <paramref name="t"/>.</summary>
    /// <param name="t">From 0.</param>
    /// <param name="logits">[B, V] of float64.</param>
    /// <returns>[B, V].</returns>
    public Tensor Sample(int t, Tensor logits)
    {
        Tensor standard = GumbelSoftmax.Noise(Noise.Derive((ulong)t), logits.shape[0], logits.shape[1]).to(ScalarType.Float64); // [B, V]
        Tensor noise = Ids is null ? standard : Conditional(logits.detach(), standard, Ids.select(1, t)); // [B, V]
        return GumbelSoftmax.Sample(logits, noise, Temperature, Relaxation, RelaxationInputs.FurtherDraws(Noise.Derive((ulong)t)));
    }

    /// <summary>Gumbel noise under the condition that logits plus noise is largest at <paramref name="ids"/>.</summary>
    /// <param name="logits">[B, V].</param>
    /// <param name="standard">[B, V], standard Gumbel noise, from which it is computed.</param>
    /// <param name="ids">[B] of int64.</param>
    /// <returns>[B, V].</returns>
    internal static Tensor Conditional(Tensor logits, Tensor standard, Tensor ids) =>
        GumbelSoftmax.ConditionallyPerturbed(logits, ids, standard) - logits;
}
