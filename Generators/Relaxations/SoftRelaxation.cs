using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>Gumbel-Softmax (Jang, Gu and Poole 2017, eq. 2; Maddison, Mnih and Teh 2017): a point inside the simplex, forward and backward.</summary>
public sealed record SoftRelaxation : Relaxation
{
    /// <summary>In the catalogue.</summary>
    public static Relaxation Entry { get; } = new SoftRelaxation();

    /// <inheritdoc/>
    public override string Name => "soft";

    /// <inheritdoc/>
    public override bool IsHard => false;

    /// <inheritdoc/>
    public override bool DependsOnNoise => true;

    /// <inheritdoc/>
    public override bool IsGumbelSoftmax => true;

    /// <inheritdoc/>
    public override Tensor Sample(RelaxationInputs inputs) => ((inputs.Logits + inputs.Noise) / inputs.Temperature).softmax(-1);
}
