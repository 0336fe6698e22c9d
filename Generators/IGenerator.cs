using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// A model of sequences that can be trained by likelihood, and by a discriminator through relaxed samples: what other rooms know of a generator.
/// </summary>
/// <remarks>
/// B batch, T time, V vocabulary. Whether a fused pass serves is decided inside: nobody outside asks. Everything is of the one distribution over
/// sequences that <see cref="Logits"/> defines, place by place.
/// </remarks>
public interface IGenerator : IDisposable
{
    /// <summary>What it was built from.</summary>
    GeneratorOptions Options { get; }

    /// <summary>The sequences that it generates.</summary>
    SequenceFormat Format { get; }

    /// <summary>Its weights, under the names that checkpoints give them.</summary>
    nn.Module Module { get; }

    /// <summary>Where its weights are.</summary>
    Device Device { get; }

    /// <summary>Whether plain tensor operations are used even where a fused pass serves: to compare the two.</summary>
    bool IsComposed { get; set; }

    /// <summary>Draws hard samples, token by token, each step's token fed back.</summary>
    /// <param name="batch">B.</param>
    /// <param name="rule">Temperature and truncation; 1 samples the model itself.</param>
    /// <param name="noise">Keys the draws.</param>
    /// <param name="prefix">What every sequence begins with: fewer than T tokens, none of them the end or never generated; null for nothing.</param>
    /// <returns>[B, T] of int64, the prefix included, padding after the end token.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The rule is none: see <see cref="SamplingRule.Validate"/>.</exception>
    /// <exception cref="ArgumentException">No sequence begins like this.</exception>
    Tensor Sample(int batch, SamplingRule rule, RandomKey noise, IReadOnlyList<int>? prefix = null);

    /// <summary>Completes every proper prefix of given sequences several times; a prefix is read once.</summary>
    /// <param name="ids">[B, T] of int64, padding after the end token. A prefix holds at least one token and is not the whole sequence.</param>
    /// <param name="copies">Completions of each prefix.</param>
    /// <param name="noise">Keys the draws.</param>
    /// <returns>
    /// The R completed sequences [R, T] of int64, prefix included; and for each where its prefix ends: b * T + t after token t of row b.
    /// </returns>
    (Tensor Ids, int[] Origins) Complete(Tensor ids, int copies, RandomKey noise);

    /// <summary>
    /// Rolls out a batch of relaxed samples, through which gradients flow to every weight. The token of a place is the largest entry of its
    /// row; after a row's end token everything is padding, exactly, and carries no gradient. With <see cref="Ending.Gradient"/> only the ids are
    /// padding there: samples go on, and the mask is the probability of being alive at a place, 1 - (share of the end token) of each sample before it
    /// multiplied.
    /// </summary>
    /// <param name="batch">B.</param>
    /// <param name="temperature">Of the relaxation; positive.</param>
    /// <param name="relaxation">What a sample looks like, forward and backward.</param>
    /// <param name="noise">Keys the noise of this roll-out.</param>
    RelaxedSequences Relax(int batch, double temperature, Relaxation relaxation, RandomKey noise);

    /// <summary>Roll-outs of relaxed samples for a discriminator, which sees them multiplied by its embedding matrix.</summary>
    /// <param name="batch">B.</param>
    /// <param name="discriminatorWidth">F, of the discriminator's embedding.</param>
    /// <param name="minimumTime">Steps to do even if every sequence has ended before (a CNN needs as many places as its widest filter).</param>
    /// <param name="relaxation">What a sample looks like, forward and backward.</param>
    IRollout RollOut(int batch, int discriminatorWidth, int minimumTime, Relaxation relaxation);

    /// <summary>Teacher-forced logits: what the model expects at each place, given the true tokens before it.</summary>
    /// <param name="ids">[B, T] of int64, T at most <see cref="SequenceFormat.Length"/>.</param>
    /// <param name="dropout">Drops values while learning; null when measuring.</param>
    /// <returns>[B, T, V].</returns>
    Tensor Logits(Tensor ids, DropoutDraw? dropout = null);

    /// <summary>What the output layer reads on the way to <see cref="Logits"/>.</summary>
    /// <param name="ids">[B, T] of int64, T at most <see cref="SequenceFormat.Length"/>.</param>
    /// <param name="dropout">See <see cref="Logits"/>.</param>
    /// <returns>[B, T, H]: at place t, after reading the begin id and the t tokens before it.</returns>
    Tensor HiddenStates(Tensor ids, DropoutDraw? dropout = null);

    /// <summary>The output layer: <see cref="Logits"/> of what <see cref="HiddenStates"/> gives, without dropout.</summary>
    /// <param name="hidden">[B, T, H].</param>
    /// <returns>[B, T, V].</returns>
    Tensor LogitsOf(Tensor hidden);

    /// <summary>The negative log-likelihood of each token, in nats, 0 at padding.</summary>
    /// <param name="ids">[B, T] of int64.</param>
    /// <param name="dropout">See <see cref="Logits"/>.</param>
    /// <returns>[B, T].</returns>
    Tensor TokenNegativeLogLikelihood(Tensor ids, DropoutDraw? dropout = null);

    /// <summary>The mean negative log-likelihood of a batch's tokens, in nats.</summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    /// <param name="dropout">See <see cref="Logits"/>.</param>
    /// <returns>A scalar of float32.</returns>
    Tensor MeanNegativeLogLikelihood(Tensor ids, DropoutDraw? dropout = null);

    /// <summary>The sum over a batch's tokens of weight times negative log-likelihood, in nats: a policy gradient's objective.</summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    /// <param name="weights">[B, T] of float32, of either sign; numbers, through which no gradient flows.</param>
    /// <returns>A scalar of float32.</returns>
    Tensor WeightedNegativeLogLikelihood(Tensor ids, Tensor weights);

    /// <summary>The summed negative log-likelihood of a batch's tokens, in nats, without gradients and in double precision.</summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    double SumNegativeLogLikelihood(Tensor ids);

    /// <summary>The same of each sequence of the batch.</summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    /// <returns>[B].</returns>
    double[] SequenceNegativeLogLikelihoods(Tensor ids);

    /// <summary>Makes this the model softmax(logits / <paramref name="temperature"/>), for likelihoods as well as for samples.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is not positive.</exception>
    void Temper(double temperature);
}
