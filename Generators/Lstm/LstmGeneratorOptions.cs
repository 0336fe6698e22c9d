using System.ComponentModel.DataAnnotations;
using GumbelGan.Randomness;

namespace GumbelGan.Generators;

/// <summary>The size and the habits of an <see cref="LstmGenerator"/>.</summary>
public sealed record LstmGeneratorOptions : GeneratorOptions
{
    /// <summary>In the catalogue.</summary>
    public static GeneratorKind TheKind { get; } = new("lstm", () => new LstmGeneratorOptions());

    /// <inheritdoc/>
    public override GeneratorKind Kind => TheKind;

    /// <summary>Hidden units of each LSTM layer.</summary>
    [Range(1, 65536)]
    public int Hidden { get; init; } = 128;

    /// <summary>LSTM layers, each feeding the next.</summary>
    [Range(1, 8)]
    public int Layers { get; init; } = 1;

    /// <summary>
    /// Draw the initial cell state from N(0, 1), as Kusner and Hernandez-Lobato (2016), instead of starting from zeros. Not for runs, whose
    /// likelihoods are those of a zero state.
    /// </summary>
    public bool NoisyInitialState { get; init; }

    /// <inheritdoc/>
    public override bool HasHiddenNoise => NoisyInitialState;

    /// <inheritdoc/>
    public override IGenerator Create(SequenceFormat format, RandomKey initialisation) => new LstmGenerator(this, format, initialisation);

    /// <inheritdoc/>
    public override long ParameterCount(int vocabulary) =>
        (long)vocabulary * (Embedding + Hidden + 1) + Enumerable.Range(0, Layers)
            .Sum(layer => 4L * Hidden * ((layer == 0 ? Embedding : Hidden) + Hidden + 2L));

    /// <inheritdoc/>
    public override GeneratorOptions Sized(int embedding, int hidden) => this with { Embedding = embedding, Hidden = hidden };
}
