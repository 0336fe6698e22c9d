using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>What a relaxation makes a batch of samples from.</summary>
/// <remarks>B batch, V vocabulary.</remarks>
/// <param name="Logits">[B, V], unnormalised log-probabilities.</param>
/// <param name="Noise">[B, V], standard Gumbel. Logits plus noise are largest at the token that is drawn.</param>
/// <param name="Temperature">Positive.</param>
/// <param name="Key">Keys whatever else is drawn.</param>
public readonly record struct RelaxationInputs(Tensor Logits, Tensor Noise, double Temperature, RandomKey Key)
{
    /// <summary>The tokens that are drawn, [B] of int64 (the Gumbel-max trick).</summary>
    public Tensor Tokens => (Logits + Noise).argmax(-1);

    /// <summary>Keys what a step draws beside its noise, which is drawn from <paramref name="step"/> itself.</summary>
    public static RandomKey FurtherDraws(RandomKey step) => step.Derive("further draws");
}
