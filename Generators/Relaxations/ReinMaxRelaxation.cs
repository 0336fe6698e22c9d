using GumbelGan.Kernels;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// ReinMax (Liu, Dong, Liu, Yu and Gao 2023, algorithm 2): forward the drawn token's one-hot D, backward 2 pi1 - pi0 / 2 with
/// pi1 = (softmax(logits / temperature) + D) / 2, through which gradients go as through a softmax of the logits, and pi0 = softmax(logits).
/// </summary>
/// <remarks>
/// Straight-through takes the difference f(D) - f(i) for its first-order term at D; this is Heun's rule, of second order: at temperature 1 the mean
/// of the gradient is exact where f is quadratic. It is made for temperatures of 1 and above.
/// </remarks>
public sealed record ReinMaxRelaxation : Relaxation
{
    /// <summary>In the catalogue.</summary>
    public static Relaxation Entry { get; } = new ReinMaxRelaxation();

    /// <inheritdoc/>
    public override string Name => "reinmax";

    /// <inheritdoc/>
    public override bool IsHard => true;

    /// <inheritdoc/>
    public override bool DependsOnNoise => false;

    /// <inheritdoc/>
    public override RowGradient? RowGradient => static (in RelaxedRow row) =>
    {
        Span<float> exponentials = row.Scratch(0);
        float total = RelaxedRowKernel.Exponentials(row.Logits, row.Temperature, exponentials);
        exponentials[row.Token] += total; // pi1 times twice the total
        RelaxedRowKernel.AddSoftmaxGradient(exponentials, 2 * total, row.SampleGradient, 2, row.LogitGradient);
        total = RelaxedRowKernel.Exponentials(row.Logits, 1, exponentials);
        RelaxedRowKernel.AddSoftmaxGradient(exponentials, total, row.SampleGradient, -0.5f, row.LogitGradient);
    };

    /// <inheritdoc/>
    public override Tensor Sample(RelaxationInputs inputs)
    {
        (Tensor logits, Tensor tokens) = (inputs.Logits, inputs.Tokens);
        Tensor oneHots = GumbelSoftmax.OneHot(tokens, logits.shape[^1]); // [B, V]
        Tensor middle = ((logits.detach() / inputs.Temperature).softmax(-1) + oneHots) / 2; // [B, V]
        Tensor pi1 = (middle.log() + (logits - logits.detach())).softmax(-1), pi0 = logits.softmax(-1); // [B, V]
        return StraightThrough(tokens, 2 * pi1 - pi0 / 2);
    }
}
