using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <content>Hard samples.</content>
public sealed partial class LstmGenerator
{
    private FusedSampling? _sampling;

    private FusedSampling Sampling => _sampling ??= new FusedSampling(this);

    /// <summary>Draws hard samples, token by token, each step's token fed back.</summary>
    /// <param name="batch">B.</param>
    /// <param name="temperature">Divides the logits; 1 samples the model itself, towards 0 the most likely token.</param>
    /// <param name="noise">Keys the draws.</param>
    /// <returns>[B, T] of int64, padding after the end token.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is not positive.</exception>
    public Tensor Sample(int batch, double temperature, RandomKey noise)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        using IDisposable off = no_grad();
        return IsFused ? Sampling.Sample(batch, temperature, noise) : SampleComposed(batch, temperature, noise);
    }

    /// <summary>
    /// What <see cref="Sample"/> means, step by step on any device, by the largest of the logits plus Gumbel noise: the reference, and the way for
    /// several layers.
    /// </summary>
    /// <param name="batch">B.</param>
    /// <param name="temperature">As in <see cref="Sample"/>.</param>
    /// <param name="noise">Keys the draws.</param>
    /// <returns>[B, T] of int64.</returns>
    public Tensor SampleComposed(int batch, double temperature, RandomKey noise)
    {
        using IDisposable off = no_grad();
        State state = InitialState(batch, noise);
        Tensor bias = EffectiveBias();
        Tensor input = full([batch], Format.BeginId, ScalarType.Int64, Device); // [B]
        Tensor alive = ones([batch], ScalarType.Bool, Device); // [B]
        var ids = new Tensor[Format.Length];
        for (int t = 0; t < Format.Length; t++)
        {
            Tensor logits = nn.functional.linear(Step(embedding.call(input), ref state), output.weight!, bias); // [B, V]
            Tensor gumbel = GumbelSoftmax.Noise(noise.Derive((ulong)t), batch, Format.Vocabulary, Device);
            input = (logits / temperature + gumbel).argmax(-1); // [B]
            if (Format.EndId is { } end)
            {
                input = input.masked_fill(alive.logical_not(), Format.PaddingId!.Value);
                alive = alive.logical_and(input.ne(end));
            }

            ids[t] = input;
        }

        return stack(ids, 1); // [B, T]
    }
}
