using GumbelGan.Storage;

namespace GumbelGan.Generators;

/// <summary>One network that can generate sequences.</summary>
/// <param name="Name">In configurations.</param>
/// <param name="New">Its options, as they are where nothing is said.</param>
public sealed record GeneratorKind(string Name, Func<GeneratorOptions> New) : IKindOf<GeneratorOptions>
{
    /// <summary>Every kind. Whoever asks what kinds there are, asks here.</summary>
    public static IReadOnlyList<GeneratorKind> All => [LstmGeneratorOptions.TheKind, RelationalMemoryGeneratorOptions.TheKind];

    /// <summary>Whether its default sizes are those of a publication, at which a benchmark times it unless told otherwise.</summary>
    public bool HasPublishedSizes { get; init; }

    /// <summary>What a run has that does not say otherwise.</summary>
    public static GeneratorKind Default => LstmGeneratorOptions.TheKind;

    /// <inheritdoc/>
    public GeneratorOptions NewOptions() => New();

    /// <inheritdoc/>
    public override string ToString() => Name;
}
