using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Objectives;
using static TorchSharp.torch;

namespace GumbelGan.Training.Losses;

/// <summary>Which game generator and discriminator play.</summary>
public enum AdversarialLossKind
{
    /// <summary>Goodfellow et al. (2014) with the generator maximising log D(fake).</summary>
    NonSaturating,

    /// <summary>Relativistic standard GAN, paired (Jolicoeur-Martineau 2019), RelGAN's choice.</summary>
    Relativistic,

    /// <summary>Hinge (Lim and Ye 2017; Miyato et al. 2018).</summary>
    Hinge,

    /// <summary>Wasserstein distance (Arjovsky et al. 2017), with a gradient penalty (Gulrajani et al. 2017).</summary>
    Wasserstein,
}

/// <summary>The losses of the two players as functions of the scores, which are logits: the higher, the more real.</summary>
/// <remarks>B batch. Every loss is a mean over the batch, in nats for the first two kinds.</remarks>
public static class AdversarialLoss
{
    /// <summary>What the discriminator minimises.</summary>
    /// <param name="kind">The game.</param>
    /// <param name="real">[B], scores of real sequences.</param>
    /// <param name="fake">[B], scores of generated sequences.</param>
    /// <returns>A scalar.</returns>
    public static Tensor Discriminator(AdversarialLossKind kind, Tensor real, Tensor fake) => kind switch
    {
        AdversarialLossKind.NonSaturating => Softplus(-real).mean() + Softplus(fake).mean(),
        AdversarialLossKind.Relativistic => Softplus(fake - real).mean(),
        AdversarialLossKind.Hinge => (1 - real).relu().mean() + (1 + fake).relu().mean(),
        AdversarialLossKind.Wasserstein => fake.mean() - real.mean(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such loss."),
    };

    /// <summary>What the generator minimises.</summary>
    /// <param name="kind">The game.</param>
    /// <param name="real">[B], scores of real sequences; read by the relativistic game alone.</param>
    /// <param name="fake">[B], scores of generated sequences.</param>
    /// <returns>A scalar.</returns>
    public static Tensor Generator(AdversarialLossKind kind, Tensor real, Tensor fake) => kind switch
    {
        AdversarialLossKind.NonSaturating => Softplus(-fake).mean(),
        AdversarialLossKind.Relativistic => Softplus(real - fake).mean(),
        AdversarialLossKind.Hinge or AdversarialLossKind.Wasserstein => -fake.mean(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such loss."),
    };

    /// <summary>The scores of real sequences that <see cref="Generator"/> wants: computed without a gradient for the relativistic game, zeros for the others, which do not read them.</summary>
    /// <param name="kind">The game.</param>
    /// <param name="discriminator">Scores.</param>
    /// <param name="realIds">[B, T] of int64.</param>
    /// <returns>[B].</returns>
    public static Tensor RealScoresForGenerator(AdversarialLossKind kind, Discriminator discriminator, Tensor realIds)
    {
        using IDisposable off = no_grad();
        return kind == AdversarialLossKind.Relativistic ? discriminator.Score(realIds) : zeros(realIds.shape[0], device: realIds.device);
    }

    /// <summary>
    /// The mean of (|gradient of the score| - 1)^2 at random points between pairs of real and generated sequences (Gulrajani et al. 2017, eq. 3).
    /// The gradient is taken with respect to the one-hots, over all of a sequence's T x V coordinates.
    /// </summary>
    /// <param name="discriminator">Scores the points.</param>
    /// <param name="format">Vocabulary, length and padding of the sequences.</param>
    /// <param name="realIds">[B, T'] of int64, T' at most T.</param>
    /// <param name="fakes">B generated sequences.</param>
    /// <param name="key">Keys the B mixing weights, uniform in [0, 1).</param>
    public static Tensor GradientPenalty(Discriminator discriminator, SequenceFormat format, Tensor realIds, GeneratedBatch fakes, RandomKey key)
    {
        long batch = realIds.shape[0], missing = format.Length - realIds.shape[1];
        Tensor ids = missing == 0 ? realIds : cat([realIds, full([batch, missing], format.PaddingId!.Value, ScalarType.Int64, realIds.device)], 1); // [B, T]
        Tensor real = GumbelSoftmax.OneHot(ids, format.Vocabulary); // [B, T, V]
        Tensor fake = fakes.Relaxed?.detach() ?? GumbelSoftmax.OneHot(fakes.Ids, format.Vocabulary); // [B, T, V]
        Tensor mask = format.PaddingId is { } padding ? fakes.Mask.detach().maximum(ids.ne(padding).to(ScalarType.Float32)) : fakes.Mask.detach(); // [B, T]
        float[] weights = new float[batch];
        RandomFill.Uniform(key, 0, 1, weights);
        Tensor weight = tensor(weights, [batch, 1, 1]).to(real.device); // [B, 1, 1]
        Tensor between = (real * weight + fake * (1 - weight)).detach().requires_grad_(); // [B, T, V]
        bool wasTwiceDifferentiable = discriminator.IsTwiceDifferentiable;
        discriminator.IsTwiceDifferentiable = true;
        Tensor score = discriminator.Score(between, mask); // [B]
        discriminator.IsTwiceDifferentiable = wasTwiceDifferentiable;
        Tensor gradient = autograd.grad([score.sum()], [between], retain_graph: true, create_graph: true)[0]; // [B, T, V]
        Tensor length = (gradient.square().sum([1, 2]) + 1e-12).sqrt(); // [B]; the root's derivative at 0 is infinite
        return (length - 1).square().mean();
    }

    private static Tensor Softplus(Tensor x) => nn.functional.softplus(x);
}
