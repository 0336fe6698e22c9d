using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// Straight-through Gumbel-Softmax (Jang, Gu and Poole 2017, section 2.2): forward the nearest one-hot, backward the relaxed sample.
/// </summary>
public sealed record StraightThroughRelaxation : Relaxation
{
    /// <summary>In the catalogue.</summary>
    public static Relaxation Entry { get; } = new StraightThroughRelaxation();

    /// <inheritdoc/>
    public override string Name => "straight_through";

    /// <inheritdoc/>
    public override bool IsHard => true;

    /// <inheritdoc/>
    public override bool DependsOnNoise => true;

    /// <inheritdoc/>
    public override bool IsGumbelSoftmax => true;

    /// <inheritdoc/>
    public override Tensor Sample(RelaxationInputs inputs)
    {
        Tensor relaxed = SoftRelaxation.Entry.Sample(inputs); // [B, V]
        return StraightThrough(relaxed.argmax(-1), relaxed);
    }
}
