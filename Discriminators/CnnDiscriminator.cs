using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>Options of a <see cref="CnnDiscriminator"/>.</summary>
public sealed record CnnDiscriminatorOptions : FilteringDiscriminatorOptions
{
    internal static readonly DiscriminatorKind TheKind = new("cnn", () => new CnnDiscriminatorOptions());

    /// <inheritdoc/>
    public override DiscriminatorKind Kind => TheKind;

    /// <inheritdoc/>
    public override Discriminator Create(int vocabulary, int? paddingId, RandomKey initialisation) =>
        new CnnDiscriminator(this, vocabulary, paddingId, initialisation);

    /// <inheritdoc/>
    public override long ParameterCount(int vocabulary) =>
        (long)vocabulary * Embedding + FilterWidths.Sum(width => (long)Filters * (Embedding * (long)width + 2)) + 1;

    /// <inheritdoc/>
    public override DiscriminatorOptions Sized(int embedding, int hidden) => this with { Embedding = embedding, Dropout = 0 };
}

/// <summary>
/// Filters of several widths, each filter's largest response over time, and one linear layer (Kim, "Convolutional neural networks for sentence
/// classification", 2014); see <see cref="FilterBank"/>.
/// </summary>
/// <remarks>
/// B batch, T time, E embedding, F filters a width, W widths. Parameters: convolution2.weight [F, E, 2] ..., output.weight [1, W * F].
/// </remarks>
public sealed class CnnDiscriminator : FilteringDiscriminator
{
    private readonly Linear output;

    /// <summary>See <see cref="DiscriminatorOptions.Create"/>.</summary>
    public CnnDiscriminator(CnnDiscriminatorOptions options, int vocabulary, int? paddingId, RandomKey initialisation)
        : base(nameof(CnnDiscriminator), options, vocabulary, paddingId, options.Embedding)
    {
        output = nn.Linear(Bank.Features, 1);
        RegisterComponents();
        RegisterFilters();
        Initialise(initialisation);
    }

    /// <inheritdoc/>
    public override Tensor ScoresEmbedded(Tensor embedded, Tensor mask) =>
        Call(nameof(output), output, Dropout(Bank.Maxima(embedded, mask, IsGraded(mask), IsTwiceDifferentiable))); // [B, 1]

    /// <inheritdoc/>
    public override Tensor ScoreGradient(Tensor embedded, Tensor mask) => !IsTwiceDifferentiable && FilterBank.IsFused(embedded) && !IsGraded(mask)
        ? Bank.Gradient(embedded, mask, Matrix("output.weight", output.weight!)) : base.ScoreGradient(embedded, mask);
}
