using GumbelGan.Discriminators;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Training.Losses;

/// <summary>Holds a discriminator's slope near 1 between real and generated sequences (Gulrajani et al. 2017).</summary>
/// <remarks>
/// B batch, T time, V vocabulary, E the discriminator's embedding. The gradient is that with respect to the one-hots, over all of a sequence's T x V
/// coordinates. It is the gradient with respect to the embedded sequence, G [T, E], times the transposed embedding matrix M [V, E], so its squared
/// length is the sum over t of G_t (M' M) G_t': no [B, T, V] is needed, and points between one-hots are embedded as points between embeddings.
/// </remarks>
public static class GradientPenalty
{
    /// <summary>
    /// The mean of (|gradient of the score| - 1)^2 at random points between pairs of real and generated sequences (Gulrajani et al. 2017, eq. 3).
    /// </summary>
    /// <param name="discriminator">Scores the points.</param>
    /// <param name="realIds">[B, T'] of int64.</param>
    /// <param name="fake">[B, T'', E], generated sequences multiplied by the embedding matrix.</param>
    /// <param name="fakeMask">[B, T''] of float32: 1 for their tokens, 0 after the end.</param>
    /// <param name="key">Keys the B mixing weights, uniform in [0, 1).</param>
    /// <returns>A scalar, differentiable with respect to the discriminator's weights.</returns>
    public static Tensor Of(Discriminator discriminator, Tensor realIds, Tensor fake, Tensor fakeMask, RandomKey key)
    {
        long batch = realIds.shape[0], time = Math.Max(realIds.shape[1], fake.shape[1]);
        Tensor ids = Lengthened(realIds, discriminator.PaddingId ?? 0), fakeMarks = Lengthened(fakeMask.detach(), 0); // [B, T], [B, T]
        Tensor real = discriminator.Embed(ids), mask = discriminator.Mask(ids).maximum(fakeMarks); // [B, T, E], [B, T]
        if (discriminator.PaddingId is { } padding)
        {
            // Where the real sequence is longer, the generated one is filled up with padding tokens, whose embedding then learns too.
            fake = where(fakeMarks.unsqueeze(2).gt(0), Lengthened(fake, 0), discriminator.EmbeddingTable[padding]); // [B, T, E]
        }

        float[] weights = new float[batch];
        RandomFill.Uniform(key, 0, 1, weights);
        Tensor weight = tensor(weights, [batch, 1, 1]).to(real.device); // [B, 1, 1]
        Tensor gradient = discriminator.ScoreGradient(real * weight + fake * (1 - weight), mask); // [B, T, E]
        Tensor table = discriminator.EmbeddingTable, products = table.t().mm(table); // [V, E], [E, E]
        Tensor squares = (gradient.reshape(-1, products.shape[0]).mm(products).view(gradient.shape) * gradient).sum([1, 2]); // [B]
        Tensor length = (squares + 1e-12).sqrt(); // [B]; the root's derivative at 0 is infinite
        return (length - 1).square().mean();

        Tensor Lengthened(Tensor values, int filling) => values.shape[1] == time
            ? values
            : cat([values, full([batch, time - values.shape[1], .. values.shape[2..]], filling, values.dtype, values.device)], 1);
    }
}
