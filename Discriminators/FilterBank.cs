using System.Globalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>
/// Convolutions of several widths over embedded tokens, each filter's largest response over time, rectified: the features of Kim, "Convolutional
/// neural networks for sentence classification", 2014. Windows that reach beyond a sequence's end do not count, so that features do not depend on the
/// padding of the batch; a sequence shorter than a filter is lengthened by zero vectors.
/// </summary>
/// <remarks>B batch, T time, E embedding, F filters a width, W widths.</remarks>
/// <param name="embedding">E.</param>
/// <param name="filters">F.</param>
/// <param name="widths">The widths, W of them.</param>
/// <param name="matrix">Makes of a weight, and its name in files, what is used: <see cref="Discriminator.Matrix"/>.</param>
internal sealed class FilterBank(int embedding, int filters, IReadOnlyList<int> widths, Func<string, Tensor, Tensor> matrix) : IDisposable
{
    private const string Prefix = "convolution";
    private FusedFilters? _fused;

    private FusedFilters Fused => _fused ??= new FusedFilters([.. widths]);

    private Tensor[] Weights => [.. Convolutions.Select(one => matrix($"{one.Name}.weight", one.Convolution.weight!))];

    private Tensor[] Biases => [.. Convolutions.Select(one => (Tensor)one.Convolution.bias!)];

    /// <summary>One for each width, with weights [F, E, width], under the name that the module which owns them registers them by.</summary>
    public IReadOnlyList<(string Name, Conv1d Convolution)> Convolutions { get; } =
        [.. widths.Select(width => ($"{Prefix}{width}", nn.Conv1d(embedding, filters, width)))];

    /// <summary>W * F.</summary>
    public int Features => filters * widths.Count;

    /// <summary>The features of a batch.</summary>
    /// <param name="embedded">[B, T, E].</param>
    /// <param name="mask">[B, T] of float32: 1 for tokens, 0 after the end, or a weight between them where the mask is graded.</param>
    /// <param name="isGraded">Whether the mask carries weights that have a gradient.</param>
    /// <param name="isTwiceDifferentiable">Whether their gradient may be differentiated again.</param>
    /// <returns>[B, W * F].</returns>
    public Tensor Maxima(Tensor embedded, Tensor mask, bool isGraded, bool isTwiceDifferentiable)
    {
        if (!isGraded && !isTwiceDifferentiable && IsFused(embedded))
        {
            return Fused.Filter(embedded, mask, Weights, Biases);
        }

        (Tensor[] weights, Tensor[] biases) = (Weights, Biases);
        Tensor channels = (embedded * mask.unsqueeze(2)).transpose(1, 2).contiguous(); // [B, E, T]
        if (isGraded)
        {
            Tensor unmasked = embedded.transpose(1, 2).contiguous(); // [B, E, T]
            return cat([.. widths.Select((width, i) =>
                WeightedLargest(weights[i], biases[i], unmasked, channels.narrow(2, 0, width), mask, width))], 1);
        }

        Tensor places = arange(1, mask.shape[1] + 1, ScalarType.Float32, mask.device); // [T], the first is 1
        Tensor lengths = (mask.gt(0.5) * places).amax([1], true); // [B, 1]
        return cat([.. widths.Select((width, i) => Largest(nn.functional.conv1d(channels, weights[i], biases[i]), lengths, places, width))], 1);
    }

    /// <summary>The gradient of a linear score of the features with respect to what they are read from, itself differentiable once more.</summary>
    /// <param name="embedded">[B, T, E], on the CPU: see <see cref="IsFused"/>.</param>
    /// <param name="mask">[B, T] of 0 and 1.</param>
    /// <param name="score">The weights of the score, as they are used, [1, W * F].</param>
    /// <returns>[B, T, E].</returns>
    public Tensor Gradient(Tensor embedded, Tensor mask, Tensor score) => Fused.Gradient(embedded, mask, Weights, Biases, score);

    /// <summary>Whether the fused kernels serve these values.</summary>
    public static bool IsFused(Tensor embedded) => embedded.device.type == DeviceType.CPU;

    /// <summary>Inputs of a filter that owns the parameter; null where it is none of these.</summary>
    public int? FanIn(string parameterName) => parameterName.StartsWith(Prefix, StringComparison.Ordinal)
        ? embedding * int.Parse(parameterName[Prefix.Length..parameterName.IndexOf('.', StringComparison.Ordinal)], CultureInfo.InvariantCulture)
        : null;

    /// <inheritdoc/>
    public void Dispose() => _fused?.Dispose();

    // The first window always counts, any other one where its last place belongs to the sequence.
    private static Tensor Largest(Tensor responses, Tensor lengths, Tensor places, int width)
    {
        Tensor ends = places.narrow(0, width - 1, responses.shape[2]); // [T - width + 1]
        Tensor beyond = ends.gt(lengths).logical_and(ends.gt(width)); // [B, T - width + 1]
        return responses.masked_fill(beyond.unsqueeze(1), float.NegativeInfinity).amax([2], false).relu(); // [B, F]
    }

    // The same where places have weights. A sequence that reaches a window's last place has all of the window, so a rectified response counts as
    // much as that place; the first window always counts, and what it lacks are zero vectors.
    private static Tensor WeightedLargest(Tensor weight, Tensor bias, Tensor channels, Tensor first, Tensor mask, int width)
    {
        // [B, F, T - width + 1]
        Tensor responses = nn.functional.conv1d(channels, weight, bias).relu() * mask.narrow(1, width - 1, mask.shape[1] - width + 1).unsqueeze(1);
        return cat([nn.functional.conv1d(first, weight, bias).relu(), responses.narrow(2, 1, responses.shape[2] - 1)], 2).amax([2], false); // [B, F]
    }
}
