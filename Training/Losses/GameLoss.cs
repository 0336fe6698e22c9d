using GumbelGan.Discriminators;
using GumbelGan.Storage;
using static TorchSharp.torch;

namespace GumbelGan.Training.Losses;

/// <summary>The losses of two players as functions of the scores, which are logits: the higher, the more real.</summary>
/// <remarks>B batch, R representations of the discriminator. Each loss is a mean over all B x R scores.</remarks>
/// <param name="Name">In configurations.</param>
/// <param name="Discriminator">What the discriminator minimises, a scalar of the scores of real and of generated sequences, [B, R] each.</param>
/// <param name="Generator">What the generator minimises, likewise.</param>
public sealed record GameLoss(string Name, Func<Tensor, Tensor, Tensor> Discriminator, Func<Tensor, Tensor, Tensor> Generator) : INamedKind
{
    /// <summary>Every loss. Whoever asks what losses there are, asks here.</summary>
    public static IReadOnlyList<GameLoss> All =>
    [
        NonSaturatingLoss.Entry, RelativisticLoss.Entry, HingeLoss.Entry, WassersteinLoss.Entry, DensityRatioLoss.Entry, RelativisticRatioLoss.Entry,
    ];

    /// <summary>What a run plays that does not say otherwise.</summary>
    public static GameLoss Default => RelativisticLoss.Entry;

    /// <summary>Whether the generator's loss depends on the scores of real sequences.</summary>
    public bool GeneratorReadsRealScores { get; init; }

    /// <summary>Whether the discriminator must be held in bounds by a gradient penalty, where no spectral normalisation does it.</summary>
    public bool NeedsGradientPenalty { get; init; }

    /// <summary>
    /// What the discriminator minimises where real sequences are called real with probability 1 - s only (one-sided label smoothing, Salimans et al.
    /// 2016), a function of the scores of real and of generated sequences and of s; null where the loss has no labels.
    /// </summary>
    public Func<Tensor, Tensor, double, Tensor>? Smoothed { get; init; }

    /// <summary>Whether the discriminator's loss has a least value, near which it is saturated.</summary>
    public bool HasFloor { get; init; } = true;

    /// <summary>What the discriminator minimises, its labels smoothed by <paramref name="smoothing"/>; 0 leaves them as they are.</summary>
    /// <param name="real">[B, R], scores of real sequences.</param>
    /// <param name="fake">[B, R], scores of generated sequences.</param>
    /// <param name="smoothing">s, in [0, 1); positive only where <see cref="Smoothed"/> is there.</param>
    /// <returns>A scalar.</returns>
    public Tensor OfDiscriminator(Tensor real, Tensor fake, double smoothing) =>
        smoothing == 0 ? Discriminator(real, fake) : Smoothed!(real, fake, smoothing);

    /// <summary>Cross-entropy with real sequences labelled 1 - s and generated ones 0, for losses that classify.</summary>
    internal static Tensor SmoothedCrossEntropy(Tensor real, Tensor fake, double smoothing) =>
        (nn.functional.softplus(-real) * (1 - smoothing) + nn.functional.softplus(real) * smoothing).mean() + nn.functional.softplus(fake).mean();

    /// <summary>The scores of real sequences that <see cref="Generator"/> wants, without a gradient; zeros where it does not read them.</summary>
    /// <param name="discriminator">Scores.</param>
    /// <param name="realIds">[B, T] of int64.</param>
    /// <param name="isMinimised">Whether the generator minimises <see cref="Generator"/>.</param>
    /// <returns>[B, R].</returns>
    public Tensor RealScoresForGenerator(Discriminator discriminator, Tensor realIds, bool isMinimised)
    {
        using IDisposable off = no_grad();
        return isMinimised && GeneratorReadsRealScores ? discriminator.Scores(realIds) : zeros(realIds.shape[0], 1, device: realIds.device);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
