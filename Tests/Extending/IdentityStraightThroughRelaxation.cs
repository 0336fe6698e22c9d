using GumbelGan.Generators;
using GumbelGan.Kernels;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Extending;

/// <summary>Identity straight-through (Hinton 2012, lecture 15b): forward the drawn token's one-hot, backward as if it were the logits.</summary>
public sealed record IdentityStraightThroughRelaxation : Relaxation
{
    /// <summary>In the catalogue.</summary>
    public static Relaxation Entry { get; } = new IdentityStraightThroughRelaxation();

    /// <inheritdoc/>
    public override string Name => "identity_straight_through";

    /// <inheritdoc/>
    public override bool IsHard => true;

    /// <inheritdoc/>
    public override bool DependsOnNoise => false;

    /// <inheritdoc/>
    public override RowGradient? RowGradient => static (in RelaxedRow row) => row.SampleGradient.CopyTo(row.LogitGradient);

    /// <inheritdoc/>
    public override Tensor Sample(RelaxationInputs inputs) => StraightThrough(inputs.Tokens, inputs.Logits);
}
