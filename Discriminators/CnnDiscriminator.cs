using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>
/// Convolutions of several widths over the embedded tokens, rectified, each filter's maximum over time, and one linear layer (Kim,
/// "Convolutional neural networks for sentence classification", 2014). Places after the end count as zero vectors.
/// </summary>
/// <remarks>B batch, T time, E embedding, F filters a width, W widths. Parameters: convolution2.weight [F, E, 2] ..., output.weight [1, W * F].</remarks>
public sealed class CnnDiscriminator : Discriminator
{
    private readonly Linear output;
    private readonly Conv1d[] _convolutions;
    private FusedFilters? _filters;

    /// <summary>See <see cref="Discriminator.Create"/>.</summary>
    public CnnDiscriminator(DiscriminatorOptions options, int vocabulary, int? paddingId, RandomKey initialisation)
        : base(nameof(CnnDiscriminator), options, vocabulary, paddingId)
    {
        _convolutions = [.. options.FilterWidths.Select(width => nn.Conv1d(options.Embedding, options.Filters, width))];
        output = nn.Linear(options.Filters * _convolutions.Length, 1);
        RegisterComponents();
        for (int i = 0; i < _convolutions.Length; i++)
        {
            register_module($"convolution{options.FilterWidths[i]}", _convolutions[i]);
        }

        Initialise(initialisation);
    }

    /// <inheritdoc/>
    public override int MinimumTime => Options.FilterWidths.Max();

    /// <inheritdoc/>
    public override Tensor ScoreEmbedded(Tensor embedded, Tensor mask)
    {
        bool isFused = !IsTwiceDifferentiable && embedded.device.type == DeviceType.CPU;
        Tensor features = isFused ? FilterFused(embedded, mask) : FilterComposed(embedded, mask); // [B, W * F]
        return output.call(Dropout(features)).squeeze(1); // [B]
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _filters?.Dispose();
        }

        base.Dispose(disposing);
    }

    private Tensor FilterFused(Tensor embedded, Tensor mask) =>
        (_filters ??= new FusedFilters([.. Options.FilterWidths])).Filter(embedded, mask, [.. _convolutions.Select(layer => layer.weight!)], [.. _convolutions.Select(layer => layer.bias!)]);

    private Tensor FilterComposed(Tensor embedded, Tensor mask)
    {
        Tensor channels = (embedded * mask.unsqueeze(2)).transpose(1, 2).contiguous(); // [B, E, T]
        return cat([.. _convolutions.Select(convolution => convolution.call(channels).relu().amax([2], false))], 1);
    }

    /// <inheritdoc/>
    protected override int FanIn(string parameterName)
    {
        if (parameterName.StartsWith("output.", StringComparison.Ordinal))
        {
            return Options.Filters * _convolutions.Length;
        }

        int width = int.Parse(parameterName["convolution".Length..parameterName.IndexOf('.', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture);
        return Options.Embedding * width;
    }
}
