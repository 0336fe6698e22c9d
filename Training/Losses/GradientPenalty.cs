using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Objectives;
using static TorchSharp.torch;

namespace GumbelGan.Training.Losses;

/// <summary>Holds a discriminator's slope near 1 between real and generated sequences (Gulrajani et al. 2017).</summary>
public static class GradientPenalty
{
    /// <summary>
    /// The mean of (|gradient of the score| - 1)^2 at random points between pairs of real and generated sequences (Gulrajani et al. 2017, eq. 3).
    /// The gradient is taken with respect to the one-hots, over all of a sequence's T x V coordinates.
    /// </summary>
    /// <param name="discriminator">Scores the points.</param>
    /// <param name="format">Vocabulary, length and padding of the sequences.</param>
    /// <param name="realIds">[B, T'] of int64, T' at most T.</param>
    /// <param name="fakes">B generated sequences.</param>
    /// <param name="key">Keys the B mixing weights, uniform in [0, 1).</param>
    public static Tensor Of(Discriminator discriminator, SequenceFormat format, Tensor realIds, GeneratedBatch fakes, RandomKey key)
    {
        long batch = realIds.shape[0], missing = format.Length - realIds.shape[1];
        // [B, T]
        Tensor ids = missing == 0 ? realIds : cat([realIds, full([batch, missing], format.PaddingId!.Value, ScalarType.Int64, realIds.device)], 1);
        Tensor real = GumbelSoftmax.OneHot(ids, format.Vocabulary); // [B, T, V]
        Tensor fake = fakes.Relaxed?.detach() ?? GumbelSoftmax.OneHot(fakes.Ids, format.Vocabulary); // [B, T, V]
        // [B, T]
        Tensor mask = format.PaddingId is { } padding ? fakes.Mask.detach().maximum(ids.ne(padding).to(ScalarType.Float32)) : fakes.Mask.detach();
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
}
