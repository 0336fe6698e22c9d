using System.ComponentModel.DataAnnotations;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using GumbelGan.Kernels;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// Gapped straight-through (Fan, Chi, Rudnicky and Ramadge 2022, section 4): forward the drawn token's one-hot, backward
/// softmax((logits + m1 - m2) / temperature), where m1 lifts the drawn token's logit to the largest one and m2 lowers the others to at least
/// <see cref="Gap"/> below that, both without a gradient. So the surrogate agrees with the sample, as in straight-through Gumbel-Softmax, and needs
/// no noise for it.
/// </summary>
public sealed record GappedRelaxation : Relaxation
{
    private const double DefaultGap = 1;

    /// <summary>In the catalogue.</summary>
    public static Relaxation Entry { get; } = new GappedRelaxation();

    /// <inheritdoc/>
    public override string Name => "gapped";

    /// <summary>How far, in nats, every other logit lies at least below that of the drawn token.</summary>
    [Range(0, 1000)]
    public double Gap { get; init; } = DefaultGap;

    /// <inheritdoc/>
    public override bool IsHard => true;

    /// <inheritdoc/>
    public override bool DependsOnNoise => false;

    /// <inheritdoc/>
    public override RowGradient? RowGradient => (in RelaxedRow row) =>
    {
        float largest = RelaxedRowKernel.Largest(row.Logits);
        Span<float> moved = row.Scratch(0), exponentials = row.Scratch(1);
        ReadOnlySpan<Vector512<float>> logits = MemoryMarshal.Cast<float, Vector512<float>>(row.Logits);
        Span<Vector512<float>> lowered = MemoryMarshal.Cast<float, Vector512<float>>(moved);
        Vector512<float> ceiling = Vector512.Create(largest - (float)Gap);
        for (int i = 0; i < lowered.Length; i++)
        {
            lowered[i] = Vector512.MinNative(logits[i], ceiling);
        }

        moved[row.Token] = largest;
        float total = RelaxedRowKernel.Exponentials(moved, row.Temperature, exponentials);
        RelaxedRowKernel.AddSoftmaxGradient(exponentials, total, row.SampleGradient, 1 / row.Temperature, row.LogitGradient);
    };

    /// <inheritdoc/>
    protected override string OptionsSuffix => Gap == DefaultGap ? "" : FormattableString.Invariant($"-{Gap}");

    /// <inheritdoc/>
    public override Tensor Sample(RelaxationInputs inputs)
    {
        (Tensor logits, Tensor tokens) = (inputs.Logits, inputs.Tokens);
        Tensor surrogate = ((Moved(logits.detach(), tokens, Gap) + (logits - logits.detach())) / inputs.Temperature).softmax(-1); // [B, V]
        return StraightThrough(tokens, surrogate);
    }

    /// <summary>Logits + m1 - m2.</summary>
    /// <param name="logits">[B, V].</param>
    /// <param name="tokens">[B] of int64.</param>
    /// <param name="gap">In nats.</param>
    /// <returns>[B, V].</returns>
    public static Tensor Moved(Tensor logits, Tensor tokens, double gap)
    {
        Tensor largest = logits.amax([-1], true); // [B, 1]
        return where(GumbelSoftmax.OneHot(tokens, logits.shape[^1]).gt(0.5), largest, logits.minimum(largest - gap)); // [B, V]
    }
}
