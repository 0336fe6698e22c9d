using System.ComponentModel.DataAnnotations;
using GumbelGan.Randomness;

namespace GumbelGan.Discriminators;

/// <summary>The size and the habits of a discriminator: what all kinds have; each kind's own options are a record derived from this.</summary>
public abstract record DiscriminatorOptions
{
    /// <summary>The kind that these are options of.</summary>
    public abstract DiscriminatorKind Kind { get; }

    /// <summary>Width of the token embedding.</summary>
    [Range(1, 65536)]
    public int Embedding { get; init; } = 64;

    /// <summary>Share of the features that is dropped before the last layer while the discriminator trains.</summary>
    [Range(0, 0.99)]
    public double Dropout { get; init; } = 0.25;

    /// <summary>
    /// Whether every weight matrix is used divided by its largest singular value (spectral normalisation, Miyato et al. 2018), the embedding
    /// included; the Wasserstein loss then needs no gradient penalty.
    /// </summary>
    public bool SpectralNorm { get; init; }

    /// <summary>A discriminator of this kind, its weights drawn from <paramref name="initialisation"/>.</summary>
    /// <param name="vocabulary">V.</param>
    /// <param name="paddingId">The id that fills places after the end, or null where there is none.</param>
    /// <param name="initialisation">Keys the weights.</param>
    public abstract Discriminator Create(int vocabulary, int? paddingId, RandomKey initialisation);

    /// <summary>How many numbers a discriminator of these options trains, without making one; 0 where its memory is not to be checked.</summary>
    /// <param name="vocabulary">V.</param>
    public virtual long ParameterCount(int vocabulary) => 0;

    /// <summary>These options at the sizes of a benchmark: dropout off, and as wide everywhere as it asks.</summary>
    /// <param name="embedding">E.</param>
    /// <param name="hidden">Width of what is inside, where there is such a thing.</param>
    public abstract DiscriminatorOptions Sized(int embedding, int hidden);

    /// <summary>
    /// What is wrong with these options for sequences of up to <paramref name="length"/> tokens, in one sentence; null where nothing is.
    /// </summary>
    public virtual string? ProblemWith(int length) => null;
}
