using GumbelGan.Kernels;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// Straight-through (Bengio, Leonard and Courville 2013, section 4, for a categorical): forward the drawn token's one-hot, backward
/// softmax(logits / temperature), which knows nothing of the token.
/// </summary>
public sealed record PlainStraightThroughRelaxation : Relaxation
{
    /// <summary>In the catalogue.</summary>
    public static Relaxation Entry { get; } = new PlainStraightThroughRelaxation();

    /// <inheritdoc/>
    public override string Name => "plain_straight_through";

    /// <inheritdoc/>
    public override bool IsHard => true;

    /// <inheritdoc/>
    public override bool DependsOnNoise => false;

    /// <inheritdoc/>
    public override RowGradient? RowGradient => static (in RelaxedRow row) =>
    {
        float total = RelaxedRowKernel.Exponentials(row.Logits, row.Temperature, row.Scratch(0));
        RelaxedRowKernel.AddSoftmaxGradient(row.Scratch(0), total, row.SampleGradient, 1 / row.Temperature, row.LogitGradient);
    };

    /// <inheritdoc/>
    public override Tensor Sample(RelaxationInputs inputs) => StraightThrough(inputs.Tokens, (inputs.Logits / inputs.Temperature).softmax(-1));
}
