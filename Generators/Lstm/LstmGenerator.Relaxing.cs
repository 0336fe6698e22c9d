using GumbelGan.Engine;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <content>Roll-outs of relaxed samples.</content>
public sealed partial class LstmGenerator
{
    /// <summary>Roll-outs of relaxed samples for a discriminator, which sees them multiplied by its embedding matrix.</summary>
    /// <param name="batch">B.</param>
    /// <param name="discriminatorWidth">F, of the discriminator's embedding.</param>
    /// <param name="minimumTime">Steps to do even if every sequence has ended before (a CNN needs as many places as its widest filter).</param>
    /// <param name="relaxation">What a sample looks like, forward and backward.</param>
    /// <param name="keepsOneHots">Whether the relaxed samples themselves are wanted, as a gradient penalty does.</param>
    public IRollout RollOut(int batch, int discriminatorWidth, int minimumTime, Relaxation relaxation, bool keepsOneHots) =>
        IsFused && !keepsOneHots && relaxation.Fused is { } form
        ? new FusedRollout(this, batch, discriminatorWidth, RowParallel.Shared(get_num_threads()), form, minimumTime)
        : new ComposedRollout(this, batch, relaxation);

    /// <summary>
    /// Rolls out a batch of relaxed samples, through which gradients flow to every weight. The token of a place is the largest entry of its
    /// row; after a row's end token everything is padding, exactly, and carries no gradient.
    /// </summary>
    /// <param name="batch">B.</param>
    /// <param name="temperature">Of the relaxation; positive.</param>
    /// <param name="relaxation">Soft or straight-through.</param>
    /// <param name="noise">Keys the noise of this roll-out.</param>
    public RelaxedSequences Relax(int batch, double temperature, Relaxation relaxation, RandomKey noise)
    {
        State state = InitialState(batch, noise);
        Tensor bias = EffectiveBias();
        Tensor input = embedding.call(full([batch], Format.BeginId, ScalarType.Int64, Device)); // [B, E]
        Tensor alive = ones([batch, 1], device: Device); // [B, 1]: 1 until the end token has been written
        // [1, V]
        Tensor? padding = Format.PaddingId is { } id ? GumbelSoftmax.OneHot(full([1], id, ScalarType.Int64, Device), Format.Vocabulary) : null;
        var oneHots = new Tensor[Format.Length];
        var ids = new Tensor[Format.Length];
        var masks = new Tensor[Format.Length];
        for (int t = 0; t < Format.Length; t++)
        {
            Tensor logits = nn.functional.linear(Step(input, ref state), output.weight!, bias); // [B, V]
            Tensor gumbel = GumbelSoftmax.Noise(noise.Derive((ulong)t), batch, Format.Vocabulary, Device);
            Tensor sample = GumbelSoftmax.Sample(logits, gumbel, temperature, relaxation); // [B, V]
            masks[t] = alive;
            if (Format.EndId is { } end)
            {
                sample = where(alive.gt(0.5), sample, padding!);
                ids[t] = sample.argmax(-1); // [B]
                alive = alive * ids[t].ne(end).to(ScalarType.Float32).unsqueeze(1);
            }
            else
            {
                ids[t] = sample.argmax(-1);
            }

            oneHots[t] = sample;
            input = Options.Feedback == Feedback.Relaxed ? sample.mm(embedding.weight!) : embedding.call(ids[t]).detach(); // [B, E]
        }

        return new RelaxedSequences(stack(oneHots, 1), stack(ids, 1), cat(masks, 1)); // [B, T, V], [B, T], [B, T]
    }

    /// <summary>Draws the first layer's initial cell state [B, H] where the options ask for noise; else leaves it.</summary>
    internal void FillInitialCell(RandomKey noise, Span<float> cell)
    {
        if (Options.NoisyInitialState)
        {
            RandomFill.Normal(noise.Derive("initial state").Derive(0), cell);
        }
    }

    private State InitialState(int batch, RandomKey noise)
    {
        State state = ZeroState(batch);
        if (Options.NoisyInitialState)
        {
            for (int layer = 0; layer < state.Layers.Length; layer++)
            {
                Tensor drawn = empty(batch, Options.Hidden); // [B, H]
                RandomFill.Normal(noise.Derive("initial state").Derive((ulong)layer), TensorMemory.Numbers(drawn));
                state.Layers[layer].Cell.copy_(drawn);
            }
        }

        return state;
    }
}
