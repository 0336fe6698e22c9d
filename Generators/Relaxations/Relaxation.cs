using GumbelGan.Kernels;
using GumbelGan.Storage;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// A way from logits to a sample that carries a gradient, with its options if it has any: settable properties of its record, which a
/// configuration gives as <c>{ kind: NAME, option: value }</c>. A kind without options is its name.
/// </summary>
/// <remarks>B batch, V vocabulary.</remarks>
public abstract record Relaxation : IKindOf<Relaxation>
{
    /// <summary>Every relaxation, its options as they are where nothing is said. Whoever asks what relaxations there are, asks here.</summary>
    public static IReadOnlyList<Relaxation> All =>
    [
        SoftRelaxation.Entry,
        StraightThroughRelaxation.Entry,
        GumbelRaoRelaxation.Entry,
        ReinMaxRelaxation.Entry,
        GappedRelaxation.Entry,
        PlainStraightThroughRelaxation.Entry,
    ];

    /// <summary>What a run uses that does not say otherwise.</summary>
    public static Relaxation Default => SoftRelaxation.Entry;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>The kind that it is of: itself.</summary>
    public Relaxation Kind => this;

    /// <summary>Whether samples are one-hot on their way forward; else they lie inside the simplex.</summary>
    public abstract bool IsHard { get; }

    /// <summary>Whether the gradient still depends on random numbers once the drawn tokens are known.</summary>
    public abstract bool DependsOnNoise { get; }

    /// <summary>
    /// Whether gradients go through softmax((logits + noise) / temperature), which a fused roll-out computes anyway. Unless <see cref="IsHard"/>,
    /// that is the sample too.
    /// </summary>
    public virtual bool IsGumbelSoftmax => false;

    /// <summary>
    /// The gradient of one row, with which a hard relaxation that is not <see cref="IsGumbelSoftmax"/> runs fused. Where it is null, roll-outs are
    /// composed.
    /// </summary>
    public virtual RowGradient? RowGradient => null;

    /// <summary>What a comparison adds to the name of a method that uses it.</summary>
    public string MethodSuffix => this == Default ? "" : $"-{Name.Replace('_', '-')}{OptionsSuffix}";

    /// <summary>What tells options that are not the defaults apart, such as "-3"; empty where all are.</summary>
    protected virtual string OptionsSuffix => "";

    /// <summary>Its definition in plain tensor operations. The hard token of a row is its largest entry.</summary>
    /// <returns>[B, V], each row non-negative with sum 1.</returns>
    public abstract Tensor Sample(RelaxationInputs inputs);

    /// <inheritdoc/>
    public Relaxation NewOptions() => this with { };

    /// <inheritdoc/>
    public sealed override string ToString() => Name;

    /// <summary>The one-hots of <paramref name="tokens"/> [B] on the way forward, <paramref name="surrogate"/> [B, V] on the way back.</summary>
    /// <remarks>surrogate - surrogate.detach() is exactly zero, so the forward value is exactly the one-hot.</remarks>
    protected static Tensor StraightThrough(Tensor tokens, Tensor surrogate) =>
        GumbelSoftmax.OneHot(tokens, surrogate.shape[^1]) + (surrogate - surrogate.detach());
}
