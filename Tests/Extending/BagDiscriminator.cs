using System.ComponentModel.DataAnnotations;
using GumbelGan.Discriminators;
using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Extending;

/// <summary>Options of a <see cref="BagDiscriminator"/>.</summary>
public sealed record BagDiscriminatorOptions : DiscriminatorOptions
{
    /// <summary>In the catalogue.</summary>
    public static DiscriminatorKind TheKind { get; } = new("bag", () => new BagDiscriminatorOptions());

    /// <inheritdoc/>
    public override DiscriminatorKind Kind => TheKind;

    /// <summary>Hidden units above the mean of the embeddings.</summary>
    [Range(1, 65536)]
    public int Hidden { get; init; } = 32;

    /// <inheritdoc/>
    public override Discriminator Create(int vocabulary, int? paddingId, RandomKey initialisation) =>
        new BagDiscriminator(this, vocabulary, paddingId, initialisation);

    /// <inheritdoc/>
    public override DiscriminatorOptions Sized(int embedding, int hidden) => this with { Embedding = embedding, Hidden = hidden, Dropout = 0 };
}

/// <summary>Judges which tokens occur, and not their order: the mean of a sequence's embeddings, a hidden layer, a score.</summary>
/// <remarks>B batch, T time, E embedding, H hidden.</remarks>
public sealed class BagDiscriminator : Discriminator
{
    private readonly Linear hidden;
    private readonly Linear output;
    private readonly BagDiscriminatorOptions _options;

    /// <summary>See <see cref="DiscriminatorOptions.Create"/>.</summary>
    public BagDiscriminator(BagDiscriminatorOptions options, int vocabulary, int? paddingId, RandomKey initialisation)
        : base(nameof(BagDiscriminator), options, vocabulary, paddingId)
    {
        _options = options;
        hidden = nn.Linear(options.Embedding, options.Hidden);
        output = nn.Linear(options.Hidden, 1);
        RegisterComponents();
        Initialise(initialisation);
    }

    /// <inheritdoc/>
    public override Tensor ScoresEmbedded(Tensor embedded, Tensor mask)
    {
        Tensor places = mask.unsqueeze(2); // [B, T, 1]
        Tensor mean = (embedded * places).sum([1]) / places.sum([1]).clamp_min(1); // [B, E]
        return Call(nameof(output), output, Dropout(Call(nameof(hidden), hidden, mean).relu())); // [B, 1]
    }

    /// <inheritdoc/>
    protected override int FanIn(string parameterName) =>
        parameterName.StartsWith("hidden", StringComparison.Ordinal) ? _options.Embedding : _options.Hidden;
}
