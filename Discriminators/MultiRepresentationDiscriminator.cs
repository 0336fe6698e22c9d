using System.ComponentModel.DataAnnotations;
using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>Options of a <see cref="MultiRepresentationDiscriminator"/>; the defaults are RelGAN's.</summary>
public sealed record MultiRepresentationDiscriminatorOptions : FilteringDiscriminatorOptions
{
    internal static readonly DiscriminatorKind TheKind =
        new("relgan", () => new MultiRepresentationDiscriminatorOptions()) { HasPublishedSizes = true };

    /// <summary>The published sizes.</summary>
    public MultiRepresentationDiscriminatorOptions() => Filters = 300;

    /// <inheritdoc/>
    public override DiscriminatorKind Kind => TheKind;

    /// <summary>In how many ways a sequence is embedded; they share the embedding's width, which must be a multiple of it.</summary>
    [Range(1, 4096)]
    public int Representations { get; init; } = 64;

    /// <summary>Width of the layer before the score.</summary>
    [Range(1, 65536)]
    public int Hidden { get; init; } = 100;

    /// <summary>
    /// Whether one matrix with a bias is the highway's transform and its gate, as in TextGAN-PyTorch, and not two without, as in the authors' code.
    /// </summary>
    public bool SharedGate { get; init; }

    /// <inheritdoc/>
    public override Discriminator Create(int vocabulary, int? paddingId, RandomKey initialisation) =>
        new MultiRepresentationDiscriminator(this, vocabulary, paddingId, initialisation);

    /// <inheritdoc/>
    public override long ParameterCount(int vocabulary)
    {
        long features = (long)Filters * FilterWidths.Count;
        return (long)vocabulary * Embedding + FilterWidths.Sum(width => (long)Filters * (Embedding / Representations * (long)width + 1))
            + features * (SharedGate ? features + 1 : 2 * features) + (features + 1) * Hidden + Hidden + 1;
    }

    /// <inheritdoc/>
    public override DiscriminatorOptions Sized(int embedding, int hidden) =>
        this with { Embedding = embedding, Representations = embedding, Filters = hidden, Hidden = hidden, Dropout = 0 };

    /// <inheritdoc/>
    public override IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (ValidationResult problem in base.Validate(validationContext))
        {
            yield return problem;
        }

        if (Embedding % Representations != 0)
        {
            yield return new ValidationResult($"is {Representations}, which does not divide the embedding's width of {Embedding}.",
                [nameof(Representations)]);
        }
    }
}

/// <summary>
/// RelGAN's discriminator (Nie, Narodytska and Patel 2019, section 2.3): a sequence is embedded in R ways, each is filtered and judged by the same
/// weights as in Kim's CNN, a highway layer (Srivastava, Greff and Schmidhuber 2015) and a hidden layer between, and each gets a score of its own.
/// </summary>
/// <remarks>
/// B batch, T time, E embedding, R representations of E / R numbers a token, F filters a width, W widths. Parameters: convolution2.* [F, E / R, 2]
/// ..., highway.weight and gate.weight [W * F, W * F], hidden.* [H, W * F], output.* [1, H]. The highway carries x on to
/// g relu(A x) + (1 - g) x with g = sigmoid(G x); with <see cref="MultiRepresentationDiscriminatorOptions.SharedGate"/> there is no gate.weight, and
/// A x + a stands for both products. As in the authors' code (models/rmc_vanilla.py), no rectifier follows the hidden layer, and weights are drawn
/// from a normal cut at two deviations, of deviation 1/sqrt(V) for the embedding, sqrt(2/fan-in) for filters and 1/sqrt(fan-in) else; biases are 0.
/// There dropout acts in the generator's steps too; here, as for every discriminator, in the discriminator's alone.
/// </remarks>
public sealed class MultiRepresentationDiscriminator : FilteringDiscriminator
{
    private readonly MultiRepresentationDiscriminatorOptions _options;
    private readonly FusedHighway _fused;
    private readonly Linear highway;
    private readonly Linear? gate;
    private readonly Linear hidden;
    private readonly Linear output;

    /// <summary>See <see cref="DiscriminatorOptions.Create"/>.</summary>
    public MultiRepresentationDiscriminator(
        MultiRepresentationDiscriminatorOptions options, int vocabulary, int? paddingId, RandomKey initialisation)
        : base(nameof(MultiRepresentationDiscriminator), options, vocabulary, paddingId, options.Embedding / options.Representations)
    {
        _options = options;
        _fused = new FusedHighway(options.SharedGate);
        highway = nn.Linear(Bank.Features, Bank.Features, hasBias: options.SharedGate);
        gate = options.SharedGate ? null : nn.Linear(Bank.Features, Bank.Features, hasBias: false);
        hidden = nn.Linear(Bank.Features, options.Hidden);
        output = nn.Linear(options.Hidden, 1);
        RegisterComponents();
        RegisterFilters();
        Initialise(initialisation);
    }

    /// <inheritdoc/>
    public override int Representations => _options.Representations;

    /// <inheritdoc/>
    public override Tensor ScoresEmbedded(Tensor embedded, Tensor mask)
    {
        long batch = embedded.shape[0], time = embedded.shape[1], width = Options.Embedding / Representations;
        // [B * R, T, E / R]
        Tensor apart = embedded.view(batch, time, Representations, width).transpose(1, 2).reshape(batch * Representations, time, width);
        Tensor masks = mask.unsqueeze(1).expand(batch, Representations, time).reshape(batch * Representations, time); // [B * R, T]
        Tensor features = Bank.Maxima(apart, masks, IsGraded(mask), IsTwiceDifferentiable); // [B * R, W * F]
        // No rectifier stands between the last two layers, so that they are one.
        Tensor last = Matrix("output.weight", output.weight!), weight = last.mm(Matrix("hidden.weight", hidden.weight!)); // [1, H], [1, W * F]
        Tensor bias = nn.functional.linear(hidden.bias!.unsqueeze(0), last, output.bias); // [1, 1]
        bool isFused = !IsTwiceDifferentiable && FilterBank.IsFused(embedded);
        Tensor scores = isFused
            ? _fused.Score(features, DropoutFactors(features), Matrix("highway.weight", highway.weight!),
                highway.bias ?? Matrix("gate.weight", gate!.weight!), weight)
            : nn.functional.linear(Dropout(Carried(features)), weight).squeeze(1); // [B * R]
        return scores.view(batch, Representations) + bias; // [B, R]
    }

    private Tensor Carried(Tensor features)
    {
        Tensor transformed = Call(nameof(highway), highway, features); // [B * R, W * F]
        Tensor open = (gate is null ? transformed : Call(nameof(gate), gate, features)).sigmoid(); // [B * R, W * F]
        return features + open * (transformed.relu() - features);
    }

    /// <inheritdoc/>
    protected override void Draw(RandomKey key, string name, Span<float> weight)
    {
        if (name.EndsWith(".bias", StringComparison.Ordinal))
        {
            weight.Clear();
            return;
        }

        double fanIn = name == EmbeddingName ? (double)weight.Length / Options.Embedding : FanIn(name);
        RandomFill.TruncatedNormal(key, (float)Math.Sqrt((Bank.FanIn(name) is null ? 1 : 2) / fanIn), weight);
    }

    /// <inheritdoc/>
    protected override int FanIn(string parameterName) =>
        parameterName.StartsWith("output.", StringComparison.Ordinal) ? _options.Hidden : base.FanIn(parameterName);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _fused.Dispose();
        }

        base.Dispose(disposing);
    }
}
