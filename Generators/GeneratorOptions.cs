using System.ComponentModel.DataAnnotations;
using GumbelGan.Randomness;

namespace GumbelGan.Generators;

/// <summary>What the generator reads back as its next input.</summary>
public enum Feedback
{
    /// <summary>The relaxed sample itself, as a mixture of embeddings; gradients flow back through time along it.</summary>
    Relaxed,

    /// <summary>The embedding of the most likely token, without a gradient (RelGAN's choice).</summary>
    Hard,
}

/// <summary>How a discriminator learns that a relaxed sample has ended (docs/estimators.md).</summary>
public enum Ending
{
    /// <summary>A place counts until the end token and not after it; no gradient says what it would change to end here or to go on.</summary>
    Mask,

    /// <summary>
    /// A place counts with the probability of being alive there, the product of 1 - (share of the end token) of the samples before it, through which
    /// gradients flow. Roll-outs are composed.
    /// </summary>
    Gradient,
}

/// <summary>The size and the habits of a generator: what all kinds have; each kind's own options are a record derived from this.</summary>
public abstract record GeneratorOptions
{
    /// <summary>The kind that these are options of.</summary>
    public abstract GeneratorKind Kind { get; }

    /// <summary>Width of the token embedding.</summary>
    [Range(1, 65536)]
    public int Embedding { get; init; } = 64;

    /// <summary>What is read back at each step of an adversarial roll-out: the relaxed sample or the hard one.</summary>
    public Feedback Feedback { get; init; } = Feedback.Relaxed;

    /// <summary>
    /// Whether the end of a sequence in an adversarial roll-out is a mask, or a decision with a gradient (slower: computed by plain tensor
    /// operations).
    /// </summary>
    public Ending Ending { get; init; } = Ending.Mask;

    /// <summary>Whether a sequence depends on noise beside that of its tokens. Samples then do not follow the likelihoods.</summary>
    public virtual bool HasHiddenNoise => false;

    /// <summary>A generator of this kind, its weights drawn from <paramref name="initialisation"/>.</summary>
    /// <param name="format">The sequences.</param>
    /// <param name="initialisation">Keys the weights.</param>
    public abstract IGenerator Create(SequenceFormat format, RandomKey initialisation);

    /// <summary>How many numbers a generator of these options trains, without making one; 0 where its memory is not to be checked.</summary>
    /// <param name="vocabulary">V.</param>
    public virtual long ParameterCount(int vocabulary) => 0;

    /// <summary>These options at other sizes.</summary>
    /// <param name="embedding">E.</param>
    /// <param name="hidden">Width of what is inside, where there is such a thing.</param>
    public abstract GeneratorOptions Sized(int embedding, int hidden);
}
