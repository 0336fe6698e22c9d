using System.ComponentModel.DataAnnotations;
using GumbelGan.Kernels;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// Gumbel-Rao (Paulus, Maddison and Krause 2021, eq. 9): forward the drawn token's one-hot, backward the mean of <see cref="Draws"/> relaxed
/// samples, whose noise is drawn anew under the condition that the same token wins. So it has the mean of straight-through Gumbel-Softmax, and at
/// most its variance. No gradient goes through the conditional noise.
/// </summary>
public sealed record GumbelRaoRelaxation : Relaxation
{
    private const int DefaultDraws = 10;

    /// <summary>In the catalogue.</summary>
    public static Relaxation Entry { get; } = new GumbelRaoRelaxation();

    /// <inheritdoc/>
    public override string Name => "gumbel_rao";

    /// <summary>Relaxed samples whose gradients are averaged, K.</summary>
    [Range(1, 10000)]
    public int Draws { get; init; } = DefaultDraws;

    /// <inheritdoc/>
    public override bool IsHard => true;

    /// <inheritdoc/>
    public override bool DependsOnNoise => true;

    /// <inheritdoc/>
    public override RowGradient? RowGradient => (in RelaxedRow row) =>
    {
        ConditionalGumbelKernel.Prepare(row.Logits, row.Token, row.Scratch(0), row.Scratch(1));
        for (int draw = 0; draw < Draws; draw++)
        {
            float total = ConditionalGumbelKernel.Exponentials(
                row.Scratch(0), row.Scratch(1), row.Token, row.Temperature, row.Key.Derive((ulong)draw), row.Number, row.Scratch(2));
            RelaxedRowKernel.AddSoftmaxGradient(row.Scratch(2), total, row.SampleGradient, 1 / (Draws * row.Temperature), row.LogitGradient);
        }
    };

    /// <inheritdoc/>
    protected override string OptionsSuffix => Draws == DefaultDraws ? "" : FormattableString.Invariant($"-{Draws}");

    /// <inheritdoc/>
    public override Tensor Sample(RelaxationInputs inputs)
    {
        (Tensor logits, Tensor tokens) = (inputs.Logits, inputs.Tokens);
        Tensor moves = logits - logits.detach(); // [B, V], zero with a gradient
        Tensor mean = zeros_like(logits); // [B, V]
        for (int draw = 0; draw < Draws; draw++)
        {
            Tensor perturbed = GumbelSoftmax.ConditionallyPerturbed(logits.detach(), tokens, inputs.Key.Derive((ulong)draw)); // [B, V]
            mean += ((perturbed + moves) / inputs.Temperature).softmax(-1) / Draws;
        }

        return StraightThrough(tokens, mean);
    }
}
