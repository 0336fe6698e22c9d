using System.ComponentModel.DataAnnotations;
using GumbelGan.Randomness;
using TorchSharp;
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
/// Convolutions of several widths over the embedded tokens, rectified, each filter's maximum over time, and one linear layer (Kim,
/// "Convolutional neural networks for sentence classification", 2014). Windows that reach beyond a sequence's end do not count, so that its score
/// does not depend on the padding of its batch; a sequence shorter than a filter is lengthened by zero vectors.
/// </summary>
/// <remarks>
/// B batch, T time, E embedding, F filters a width, W widths. Parameters: convolution2.weight [F, E, 2] ..., output.weight [1, W * F].
/// </remarks>
public sealed class CnnDiscriminator : Discriminator
{
    private readonly Linear output;
    private readonly Conv1d[] _convolutions;
    private readonly CnnDiscriminatorOptions _options;
    private FusedFilters? _filters;

    /// <summary>See <see cref="DiscriminatorOptions.Create"/>.</summary>
    public CnnDiscriminator(CnnDiscriminatorOptions options, int vocabulary, int? paddingId, RandomKey initialisation)
        : base(nameof(CnnDiscriminator), options, vocabulary, paddingId)
    {
        _options = options;
        _convolutions = [.. options.FilterWidths.Select(width => nn.Conv1d(options.Embedding, options.Filters, width))];
        output = nn.Linear(options.Filters * _convolutions.Length, 1);
        RegisterComponents();
        for (int i = 0; i < _convolutions.Length; i++)
        {
            register_module($"convolution{options.FilterWidths[i]}", _convolutions[i]);
        }

        Initialise(initialisation);
    }

    private FusedFilters Filters => _filters ??= new FusedFilters([.. _options.FilterWidths]);

    private Tensor[] Weights => [.. _convolutions.Select(layer => (Tensor)layer.weight!)];

    private Tensor[] Biases => [.. _convolutions.Select(layer => (Tensor)layer.bias!)];

    /// <inheritdoc/>
    public override int MinimumTime => _options.FilterWidths.Max();

    /// <inheritdoc/>
    public override Tensor ScoresEmbedded(Tensor embedded, Tensor mask)
    {
        bool isGraded = IsGraded(mask);
        // [B, W * F]
        Tensor features = !isGraded && IsFused(embedded)
            ? Filters.Filter(embedded, mask, Weights, Biases) : FilterComposed(embedded, mask, isGraded);
        return output.call(Dropout(features)); // [B, 1]
    }

    /// <inheritdoc/>
    public override Tensor ScoreGradient(Tensor embedded, Tensor mask) => IsFused(embedded) && !IsGraded(mask)
        ? Filters.Gradient(embedded, mask, Weights, Biases, output.weight!) : base.ScoreGradient(embedded, mask);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _filters?.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool IsFused(Tensor embedded) => !IsTwiceDifferentiable && embedded.device.type == DeviceType.CPU;

    private Tensor FilterComposed(Tensor embedded, Tensor mask, bool isGraded)
    {
        Tensor channels = (embedded * mask.unsqueeze(2)).transpose(1, 2).contiguous(); // [B, E, T]
        if (isGraded)
        {
            Tensor unmasked = embedded.transpose(1, 2).contiguous(); // [B, E, T]
            return cat([.. _convolutions.Zip(_options.FilterWidths,
                (convolution, width) => WeightedMaxima(convolution, unmasked, channels.narrow(2, 0, width), mask, width))], 1);
        }

        Tensor places = arange(1, mask.shape[1] + 1, ScalarType.Float32, mask.device); // [T], the first is 1
        Tensor lengths = (mask.gt(0.5) * places).amax([1], true); // [B, 1]
        return cat([.. _convolutions.Zip(_options.FilterWidths,
            (convolution, width) => Maxima(convolution.call(channels), lengths, places, width))], 1);
    }

    // The first window always counts, any other one where its last place belongs to the sequence.
    private static Tensor Maxima(Tensor responses, Tensor lengths, Tensor places, int width)
    {
        Tensor ends = places.narrow(0, width - 1, responses.shape[2]); // [T - width + 1]
        Tensor beyond = ends.gt(lengths).logical_and(ends.gt(width)); // [B, T - width + 1]
        return responses.masked_fill(beyond.unsqueeze(1), float.NegativeInfinity).amax([2], false).relu(); // [B, F]
    }

    // The same where places have weights. A sequence that reaches a window's last place has all of the window, so a rectified response counts as
    // much as that place; the first window always counts, and what it lacks are zero vectors.
    private static Tensor WeightedMaxima(Conv1d convolution, Tensor channels, Tensor first, Tensor mask, int width)
    {
        // [B, F, T - width + 1]
        Tensor responses = convolution.call(channels).relu() * mask.narrow(1, width - 1, mask.shape[1] - width + 1).unsqueeze(1);
        return cat([convolution.call(first).relu(), responses.narrow(2, 1, responses.shape[2] - 1)], 2).amax([2], false); // [B, F]
    }

    /// <inheritdoc/>
    protected override int FanIn(string parameterName)
    {
        if (parameterName.StartsWith("output.", StringComparison.Ordinal))
        {
            return _options.Filters * _convolutions.Length;
        }

        int width = int.Parse(parameterName["convolution".Length..parameterName.IndexOf('.', StringComparison.Ordinal)],
            System.Globalization.CultureInfo.InvariantCulture);
        return Options.Embedding * width;
    }
}
