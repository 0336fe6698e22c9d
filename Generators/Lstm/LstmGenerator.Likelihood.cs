using GumbelGan.Kernels;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <content>Likelihoods of whole batches, through which gradients flow to every weight.</content>
public sealed partial class LstmGenerator
{
    private FusedLikelihood? _likelihood;

    private FusedLikelihood Likelihood => _likelihood ??= new FusedLikelihood(this, RowParallel.Shared(get_num_threads()));

    /// <summary>The mean negative log-likelihood of a batch's tokens, in nats.</summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    /// <param name="dropout">See <see cref="Logits"/>.</param>
    /// <returns>A scalar of float32.</returns>
    public Tensor MeanNegativeLogLikelihood(Tensor ids, Dropout? dropout = null)
    {
        if (IsFused)
        {
            return Likelihood.Mean(ids, dropout);
        }

        Tensor losses = TokenNegativeLogLikelihood(ids, dropout); // [B, T]
        return Format.PaddingId is { } padding ? losses.sum() / ids.ne(padding).sum(ScalarType.Float32) : losses.mean();
    }

    /// <summary>The sum over a batch's tokens of weight times negative log-likelihood, in nats: a policy gradient's objective.</summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    /// <param name="weights">[B, T] of float32, of either sign; numbers, through which no gradient flows.</param>
    /// <returns>A scalar of float32.</returns>
    public Tensor WeightedNegativeLogLikelihood(Tensor ids, Tensor weights) =>
        IsFused ? Likelihood.WeightedSum(ids, weights) : (weights * TokenNegativeLogLikelihood(ids)).sum();

    /// <summary>The summed negative log-likelihood of a batch's tokens, in nats, without gradients and in double precision.</summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    public double SumNegativeLogLikelihood(Tensor ids)
    {
        using IDisposable off = no_grad();
        return IsFused ? Likelihood.Sum(ids) : TokenNegativeLogLikelihood(ids).sum(ScalarType.Float64).item<double>();
    }

    /// <summary>Makes this the model softmax(logits / <paramref name="temperature"/>), for likelihoods as well as for samples.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is not positive.</exception>
    public void Temper(double temperature)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        using IDisposable off = no_grad();
        output.weight!.div_(temperature);
        output.bias!.div_(temperature);
    }
}
