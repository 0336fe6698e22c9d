using System.ComponentModel.DataAnnotations;
using GumbelGan.Randomness;

namespace GumbelGan.Generators;

/// <summary>The size of a <see cref="RelationalMemoryGenerator"/>; the defaults are RelGAN's (Nie, Narodytska and Patel 2019, section 3).</summary>
public sealed record RelationalMemoryGeneratorOptions : GeneratorOptions
{
    /// <summary>In the catalogue.</summary>
    public static GeneratorKind TheKind { get; } =
        new("relational", () => new RelationalMemoryGeneratorOptions { Embedding = 32, Feedback = Feedback.Hard })
        {
            HasPublishedSizes = true,
        };

    /// <inheritdoc/>
    public override GeneratorKind Kind => TheKind;

    /// <summary>Rows of the memory.</summary>
    [Range(1, 64)]
    public int Slots { get; init; } = 1;

    /// <summary>Heads of the attention of the memory over itself and the input.</summary>
    [Range(1, 64)]
    public int Heads { get; init; } = 2;

    /// <summary>Width of each head; a row of the memory is as wide as all heads together.</summary>
    [Range(1, 4096)]
    public int HeadSize { get; init; } = 256;

    /// <inheritdoc/>
    public override IGenerator Create(SequenceFormat format, RandomKey initialisation) => new RelationalMemoryGenerator(this, format, initialisation);

    /// <inheritdoc/>
    public override long ParameterCount(int vocabulary)
    {
        long width = (long)Heads * HeadSize, output = vocabulary * (Slots * width + 1);
        return (long)vocabulary * Embedding + output + width * (Embedding + 1) + 3 * width * width + 6 * width // input, projection and its norm
            + 2 * width * (width + 1) + 4 * width // the two layers of the perceptron, two norms
            + 2 * 2 * width * width; // gates
    }

    /// <inheritdoc/>
    public override GeneratorOptions Sized(int embedding, int hidden) =>
        this with { Embedding = embedding, HeadSize = Math.Max(1, hidden / Heads) };
}
