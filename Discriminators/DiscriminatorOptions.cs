using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Discriminators;

/// <summary>Which network judges the sequences.</summary>
public enum DiscriminatorKind
{
    /// <summary>An LSTM whose state at the last token is judged.</summary>
    Lstm,

    /// <summary>Convolutions of several widths with a maximum over time (Kim 2014).</summary>
    Cnn,
}

/// <summary>The size and the habits of a discriminator.</summary>
public sealed record DiscriminatorOptions
{
    /// <summary>The network: lstm or cnn.</summary>
    public DiscriminatorKind Kind { get; init; } = DiscriminatorKind.Cnn;

    /// <summary>Width of the token embedding.</summary>
    [Range(1, 65536)]
    public int Embedding { get; init; } = 64;

    /// <summary>Hidden units of the LSTM.</summary>
    [Range(1, 65536)]
    public int Hidden { get; init; } = 64;

    /// <summary>Widths of the CNN's filters, in tokens; none wider than the longest sequence.</summary>
    public IReadOnlyList<int> FilterWidths { get; init; } = [2, 3, 4, 5];

    /// <summary>CNN filters of each width.</summary>
    [Range(1, 65536)]
    public int Filters { get; init; } = 64;

    /// <summary>Share of the features that is dropped before the last layer while the discriminator trains.</summary>
    [Range(0, 0.99)]
    public double Dropout { get; init; } = 0.25;
}
