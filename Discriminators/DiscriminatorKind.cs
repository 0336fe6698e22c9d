using GumbelGan.Storage;

namespace GumbelGan.Discriminators;

/// <summary>One network that can judge sequences.</summary>
/// <param name="Name">In configurations.</param>
/// <param name="New">Its options, as they are where nothing is said.</param>
public sealed record DiscriminatorKind(string Name, Func<DiscriminatorOptions> New) : IKindOf<DiscriminatorOptions>
{
    /// <summary>Every kind. Whoever asks what kinds there are, asks here.</summary>
    public static IReadOnlyList<DiscriminatorKind> All =>
        [LstmDiscriminatorOptions.TheKind, CnnDiscriminatorOptions.TheKind, MultiRepresentationDiscriminatorOptions.TheKind];

    /// <summary>Whether its default sizes are those of a publication, at which a benchmark times it unless told otherwise.</summary>
    public bool HasPublishedSizes { get; init; }

    /// <summary>What a run has that does not say otherwise.</summary>
    public static DiscriminatorKind Default => CnnDiscriminatorOptions.TheKind;

    /// <inheritdoc/>
    public DiscriminatorOptions NewOptions() => New();

    /// <inheritdoc/>
    public override string ToString() => Name;
}
