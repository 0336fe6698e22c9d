using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Generators;

/// <summary>What the generator reads back as its next input.</summary>
public enum Feedback
{
    /// <summary>The relaxed sample itself, as a mixture of embeddings; gradients flow back through time along it.</summary>
    Relaxed,

    /// <summary>The embedding of the most likely token, without a gradient (RelGAN's choice).</summary>
    Hard,
}

/// <summary>The size and the habits of an <see cref="LstmGenerator"/>.</summary>
public sealed record GeneratorOptions
{
    /// <summary>Width of the token embedding.</summary>
    [Range(1, 65536)]
    public int Embedding { get; init; } = 64;

    /// <summary>Hidden units of each LSTM layer.</summary>
    [Range(1, 65536)]
    public int Hidden { get; init; } = 128;

    /// <summary>LSTM layers, each feeding the next.</summary>
    [Range(1, 8)]
    public int Layers { get; init; } = 1;

    /// <summary>What is read back at each step of an adversarial roll-out: the relaxed sample or the hard one.</summary>
    public Feedback Feedback { get; init; } = Feedback.Relaxed;

    /// <summary>Draw the initial cell state from N(0, 1), as Kusner and Hernandez-Lobato (2016), instead of starting from zeros.</summary>
    public bool NoisyInitialState { get; init; }
}
