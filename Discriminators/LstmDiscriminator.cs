using System.ComponentModel.DataAnnotations;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>Options of an <see cref="LstmDiscriminator"/>.</summary>
public sealed record LstmDiscriminatorOptions : DiscriminatorOptions
{
    internal static readonly DiscriminatorKind TheKind = new("lstm", () => new LstmDiscriminatorOptions());

    /// <inheritdoc/>
    public override DiscriminatorKind Kind => TheKind;

    /// <summary>Hidden units.</summary>
    [Range(1, 65536)]
    public int Hidden { get; init; } = 64;

    /// <inheritdoc/>
    public override Discriminator Create(int vocabulary, int? paddingId, RandomKey initialisation) =>
        new LstmDiscriminator(this, vocabulary, paddingId, initialisation);

    /// <inheritdoc/>
    public override long ParameterCount(int vocabulary) => (long)vocabulary * Embedding + 4L * Hidden * (Embedding + Hidden + 2L) + Hidden + 1;

    /// <inheritdoc/>
    public override DiscriminatorOptions Sized(int embedding, int hidden) => this with { Embedding = embedding, Hidden = hidden, Dropout = 0 };
}

/// <summary>Reads a sequence with an LSTM and judges the hidden state at its last token.</summary>
/// <remarks>
/// B batch, T time, E embedding, H hidden. Parameters: embedding.weight, cell.weight_ih ..., output.weight [1, H], output.bias [1].
/// </remarks>
public sealed class LstmDiscriminator : Discriminator
{
    private readonly LSTMCell cell;
    private readonly Linear output;
    private readonly int _hidden;
    private FusedReading? _reading;

    /// <summary>See <see cref="DiscriminatorOptions.Create"/>.</summary>
    public LstmDiscriminator(LstmDiscriminatorOptions options, int vocabulary, int? paddingId, RandomKey initialisation)
        : base(nameof(LstmDiscriminator), options, vocabulary, paddingId)
    {
        _hidden = options.Hidden;
        cell = nn.LSTMCell(options.Embedding, options.Hidden);
        output = nn.Linear(options.Hidden, 1);
        RegisterComponents();
        Initialise(initialisation);
    }

    /// <inheritdoc/>
    public override Tensor ScoresEmbedded(Tensor embedded, Tensor mask)
    {
        bool isGraded = IsGraded(mask), isFused = !isGraded && !IsTwiceDifferentiable && embedded.device.type == DeviceType.CPU;
        Tensor hidden = isFused ? ReadFused(embedded, mask) : ReadComposed(embedded, mask, isGraded); // [B, H]
        return Call(nameof(output), output, Dropout(hidden)); // [B, 1]
    }

    /// <inheritdoc/>
    protected override int FanIn(string parameterName) => _hidden;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _reading?.Dispose();
        }

        base.Dispose(disposing);
    }

    private Tensor ReadFused(Tensor embedded, Tensor mask) =>
        (_reading ??= new FusedReading()).Read(embedded, mask, Weights());

    // W_ih [4H, E], W_hh [4H, H], b_ih [4H], b_hh [4H].
    private Tensor[] Weights() =>
    [
        Matrix("cell.weight_ih", cell.weight_ih!), Matrix("cell.weight_hh", cell.weight_hh!), cell.bias_ih!, cell.bias_hh!,
    ];

    private Tensor ReadComposed(Tensor embedded, Tensor mask, bool isGraded)
    {
        long batch = embedded.shape[0], time = embedded.shape[1];
        Tensor hidden = zeros(batch, _hidden, embedded.dtype, embedded.device); // [B, H]
        Tensor memory = zeros(batch, _hidden, embedded.dtype, embedded.device); // [B, H]
        Tensor reading = mask.gt(0.5); // [B, T]
        Tensor[]? weights = Options.SpectralNorm ? Weights() : null;
        for (int t = 0; t < time; t++)
        {
            (Tensor nextHidden, Tensor nextMemory) = weights is null
                ? cell.call(embedded.select(1, t), (hidden, memory)) : Step(embedded.select(1, t), hidden, memory, weights);
            Tensor here = isGraded ? mask.narrow(1, t, 1) : reading.narrow(1, t, 1); // [B, 1]
            hidden = Carried(here, nextHidden, hidden);
            memory = Carried(here, nextMemory, memory);
        }

        return hidden;
    }

    // What the cell computes, with other weights than its own.
    private static (Tensor Hidden, Tensor Memory) Step(Tensor input, Tensor hidden, Tensor memory, Tensor[] weights)
    {
        Tensor gates = nn.functional.linear(input, weights[0], weights[2]) + nn.functional.linear(hidden, weights[1], weights[3]); // [B, 4H]
        Tensor[] parts = gates.chunk(4, 1); // [B, H] each: input, forget, candidate, output
        Tensor next = parts[1].sigmoid() * memory + parts[0].sigmoid() * parts[2].tanh();
        return (parts[3].sigmoid() * next.tanh(), next);
    }

    // The state after a place: the new one where the place is read, else the old one; where places have weights, a mixture of both.
    private static Tensor Carried(Tensor here, Tensor next, Tensor before) =>
        here.dtype == ScalarType.Bool ? where(here, next, before) : here * next + (1 - here) * before;
}
