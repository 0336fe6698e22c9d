using GumbelGan.Storage;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>A way from logits to a sample that carries a gradient.</summary>
/// <remarks>B batch, V vocabulary.</remarks>
/// <param name="Name">In configurations.</param>
/// <param name="Sample">
/// Its definition in plain tensor operations: a sample [B, V] from logits [B, V], standard Gumbel noise [B, V] and a positive temperature. The hard
/// token of a row is its largest entry.
/// </param>
public sealed record Relaxation(string Name, Func<Tensor, Tensor, double, Tensor> Sample) : INamedKind
{
    /// <summary>Every relaxation. Whoever asks what relaxations there are, asks here.</summary>
    public static IReadOnlyList<Relaxation> All => [SoftRelaxation.Entry, StraightThroughRelaxation.Entry];

    /// <summary>What a run uses that does not say otherwise.</summary>
    public static Relaxation Default => SoftRelaxation.Entry;

    /// <summary>How a fused roll-out computes the same; null where it cannot, and the definition above is used.</summary>
    public RowForm? Fused { get; init; }

    /// <summary>Whether samples are one-hot on their way forward, so that a roll-out shows a discriminator the hard sequence itself.</summary>
    public bool IsHard { get; init; }

    /// <summary>
    /// Whether the sample's gradient depends on the noise by more than the token that it chose; where not, a hard sequence says all, and its
    /// gradient's moments can be computed exactly.
    /// </summary>
    public bool DependsOnNoise { get; init; } = true;

    /// <summary>What a comparison adds to the name of a method that uses it.</summary>
    public string MethodSuffix => this == Default ? "" : "-" + Name.Replace('_', '-');

    /// <summary>The relaxation of that name.</summary>
    public static Relaxation Named(string name) => All.Single(relaxation => relaxation.Name == name);

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>How the rows of a fused roll-out, softmax((logits + noise) / temperature), become samples.</summary>
public enum RowForm
{
    /// <summary>They are the samples, forward and backward.</summary>
    Itself,

    /// <summary>Forward their largest entry's one-hot, backward they themselves.</summary>
    OneHotForward,
}
