using System.ComponentModel.DataAnnotations;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Extending;

/// <summary>Options of a <see cref="GruGenerator"/>.</summary>
public sealed record GruGeneratorOptions : GeneratorOptions
{
    /// <summary>In the catalogue.</summary>
    public static GeneratorKind TheKind { get; } = new("gru", () => new GruGeneratorOptions());

    /// <inheritdoc/>
    public override GeneratorKind Kind => TheKind;

    /// <summary>Hidden units.</summary>
    [Range(1, 65536)]
    public int Hidden { get; init; } = 128;

    /// <inheritdoc/>
    public override IGenerator Create(SequenceFormat format, RandomKey initialisation) => new GruGenerator(this, format, initialisation);

    /// <inheritdoc/>
    public override GeneratorOptions Sized(int embedding, int hidden) => this with { Embedding = embedding, Hidden = hidden };
}

/// <summary>A generator whose core is a gated recurrent unit (Cho et al. 2014).</summary>
/// <remarks>B batch, E embedding, H hidden.</remarks>
public sealed class GruGenerator : RecurrentGenerator
{
    private readonly GRUCell cell;
    private readonly int _hidden;

    /// <summary>See <see cref="GeneratorOptions.Create"/>.</summary>
    public GruGenerator(GruGeneratorOptions options, SequenceFormat format, RandomKey initialisation)
        : base(nameof(GruGenerator), options, format, options.Hidden)
    {
        _hidden = options.Hidden;
        cell = nn.GRUCell(options.Embedding, options.Hidden);
        register_module("cell", cell);
        Initialise(initialisation, 1 / MathF.Sqrt(options.Hidden));
    }

    /// <inheritdoc/>
    protected override (Tensor Hidden, Tensor[] State) Step(Tensor input, Tensor[] state)
    {
        Tensor hidden = cell.call(input, state[0]); // [B, H]
        return (hidden, [hidden]);
    }

    /// <inheritdoc/>
    protected override Tensor[] ZeroState(long batch) => [zeros(batch, _hidden, device: Device)]; // [B, H]
}
