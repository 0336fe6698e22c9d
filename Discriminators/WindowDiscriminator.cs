using System.ComponentModel.DataAnnotations;
using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>Options of a <see cref="WindowDiscriminator"/>.</summary>
public sealed record WindowDiscriminatorOptions : DiscriminatorOptions
{
    internal static readonly DiscriminatorKind TheKind = new("windows", () => new WindowDiscriminatorOptions());

    /// <inheritdoc/>
    public override DiscriminatorKind Kind => TheKind;

    /// <summary>Tokens in a window.</summary>
    [Range(1, 1000)]
    public int Width { get; init; } = 4;

    /// <summary>Units of each of the two hidden layers.</summary>
    [Range(1, 65536)]
    public int Hidden { get; init; } = 128;

    /// <inheritdoc/>
    public override Discriminator Create(int vocabulary, int? paddingId, RandomKey initialisation) =>
        new WindowDiscriminator(this, vocabulary, paddingId, initialisation);

    /// <inheritdoc/>
    public override long ParameterCount(int vocabulary) =>
        (long)vocabulary * Embedding + Hidden * ((long)Embedding * Width + 1) + Hidden * (Hidden + 1L) + Hidden + 1;

    /// <inheritdoc/>
    public override DiscriminatorOptions Sized(int embedding, int hidden) => this with { Embedding = embedding, Hidden = hidden, Dropout = 0 };
}

/// <summary>
/// Judges every window of a few tokens by itself, with two hidden layers, and adds up: the Markovian discriminator of images (Li and Wand, "Precomputed
/// real-time texture synthesis with Markovian generative adversarial networks", 2016; PatchGAN, Isola et al. 2017), for text. It knows nothing but the
/// distribution of windows, and so tells a generator at which place a mistake is, where the largest responses of a <see cref="CnnDiscriminator"/> say
/// only that there is one.
/// </summary>
/// <remarks>
/// B batch, T time, E embedding, W width, H hidden. A window ends at each token, the end token included; what lies before the first token are zero
/// vectors. Parameters: window.weight [H, E, W], hidden.weight [H, H], output.weight [1, H] and their biases.
/// </remarks>
public sealed class WindowDiscriminator : Discriminator
{
    private readonly Conv1d window;
    private readonly Linear hidden;
    private readonly Linear output;
    private readonly WindowDiscriminatorOptions _options;

    /// <summary>See <see cref="DiscriminatorOptions.Create"/>.</summary>
    public WindowDiscriminator(WindowDiscriminatorOptions options, int vocabulary, int? paddingId, RandomKey initialisation)
        : base(nameof(WindowDiscriminator), options, vocabulary, paddingId)
    {
        _options = options;
        window = nn.Conv1d(options.Embedding, options.Hidden, options.Width);
        hidden = nn.Linear(options.Hidden, options.Hidden);
        output = nn.Linear(options.Hidden, 1);
        RegisterComponents();
        Initialise(initialisation);
    }

    /// <inheritdoc/>
    public override Tensor ScoresEmbedded(Tensor embedded, Tensor mask)
    {
        long batch = embedded.shape[0], time = embedded.shape[1], width = _options.Width;
        Tensor before = zeros([batch, width - 1, embedded.shape[2]], embedded.dtype, embedded.device); // [B, W - 1, E]
        Tensor padded = cat([before, embedded], 1); // [B, T + W - 1, E]
        // Place t of a window that begins at each token: a product of matrices is faster than a convolution, and simple to differentiate twice.
        Tensor windows = cat([.. Enumerable.Range(0, (int)width).Select(place => padded.narrow(1, place, time))], 2); // [B, T, W * E]
        Tensor weight = window.weight!.transpose(1, 2).reshape(_options.Hidden, width * embedded.shape[2]); // [H, W * E]
        Tensor features = nn.functional.linear(windows, weight, window.bias).relu(); // [B, T, H]
        Tensor scores = output.call(Dropout(hidden.call(features).relu())).squeeze(2); // [B, T]
        return (scores * mask).sum([1L], keepdim: true); // [B, 1]
    }

    /// <inheritdoc/>
    protected override int FanIn(string parameterName) =>
        parameterName.StartsWith("window.", StringComparison.Ordinal) ? Options.Embedding * _options.Width : _options.Hidden;
}
