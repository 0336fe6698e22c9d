using System.ComponentModel.DataAnnotations;
using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>Options of a <see cref="CnnDiscriminator"/>.</summary>
public sealed record CnnDiscriminatorOptions : DiscriminatorOptions, IValidatableObject
{
    internal static readonly DiscriminatorKind TheKind = new("cnn", () => new CnnDiscriminatorOptions());

    /// <inheritdoc/>
    public override DiscriminatorKind Kind => TheKind;

    /// <summary>Widths of the filters, in tokens, each once; none wider than the longest sequence.</summary>
    [Range(1, 1000)]
    public IReadOnlyList<int> FilterWidths { get; init; } = [2, 3, 4, 5];

    /// <summary>Filters of each width.</summary>
    [Range(1, 65536)]
    public int Filters { get; init; } = 64;

    /// <inheritdoc/>
    public override Discriminator Create(int vocabulary, int? paddingId, RandomKey initialisation) =>
        new CnnDiscriminator(this, vocabulary, paddingId, initialisation);

    /// <inheritdoc/>
    public override long ParameterCount(int vocabulary) =>
        (long)vocabulary * Embedding + FilterWidths.Sum(width => (long)Filters * (Embedding * (long)width + 2)) + 1;

    /// <inheritdoc/>
    public override DiscriminatorOptions Sized(int embedding, int hidden) => this with { Embedding = embedding, Dropout = 0 };

    /// <inheritdoc/>
    public override string? ProblemWith(int length) => FilterWidths.Max() > length
        ? $"The discriminator has filters of {FilterWidths.Max()} tokens, but the longest sequence has {length}; set discriminator.filter_widths "
            + "to smaller widths."
        : null;

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (FilterWidths.Count == 0 || FilterWidths.Distinct().Count() < FilterWidths.Count)
        {
            yield return new ValidationResult("must name at least one width, and each once.", [nameof(FilterWidths)]);
        }
    }
}

/// <summary>
/// Filters of several widths, each filter's largest response over time, and one linear layer (Kim, "Convolutional neural networks for sentence
/// classification", 2014); see <see cref="FilterBank"/>.
/// </summary>
/// <remarks>
/// B batch, T time, E embedding, F filters a width, W widths. Parameters: convolution2.weight [F, E, 2] ..., output.weight [1, W * F].
/// </remarks>
public sealed class CnnDiscriminator : Discriminator
{
    private readonly Linear output;
    private readonly CnnDiscriminatorOptions _options;
    private readonly FilterBank _filters;

    /// <summary>See <see cref="DiscriminatorOptions.Create"/>.</summary>
    public CnnDiscriminator(CnnDiscriminatorOptions options, int vocabulary, int? paddingId, RandomKey initialisation)
        : base(nameof(CnnDiscriminator), options, vocabulary, paddingId)
    {
        _options = options;
        _filters = new FilterBank(options.Embedding, options.Filters, options.FilterWidths, Matrix);
        output = nn.Linear(_filters.Features, 1);
        RegisterComponents();
        foreach ((string name, Conv1d convolution) in _filters.Convolutions)
        {
            register_module(name, convolution);
        }

        Initialise(initialisation);
    }

    /// <inheritdoc/>
    public override int MinimumTime => _options.FilterWidths.Max();

    /// <inheritdoc/>
    public override Tensor ScoresEmbedded(Tensor embedded, Tensor mask) =>
        Call(nameof(output), output, Dropout(_filters.Maxima(embedded, mask, IsGraded(mask), IsTwiceDifferentiable))); // [B, 1]

    /// <inheritdoc/>
    public override Tensor ScoreGradient(Tensor embedded, Tensor mask) => !IsTwiceDifferentiable && FilterBank.IsFused(embedded) && !IsGraded(mask)
        ? _filters.Gradient(embedded, mask, Matrix("output.weight", output.weight!)) : base.ScoreGradient(embedded, mask);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _filters.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    protected override int FanIn(string parameterName) => _filters.FanIn(parameterName) ?? _filters.Features;
}
