using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <content>Roll-outs of relaxed samples.</content>
public abstract partial class RecurrentGenerator
{
    /// <inheritdoc/>
    public virtual IRollout RollOut(int batch, int discriminatorWidth, int minimumTime, Relaxation relaxation, bool keepsOneHots) =>
        new ComposedRollout(this, batch, relaxation);

    /// <inheritdoc/>
    public RelaxedSequences Relax(int batch, double temperature, Relaxation relaxation, RandomKey noise)
    {
        Tensor[] state = InitialState(batch, noise);
        Tensor bias = EffectiveBias(), hidden;
        Tensor input = _embedding.call(full([batch], Format.BeginId, ScalarType.Int64, Device)); // [B, E]
        Tensor alive = ones([batch, 1], device: Device); // [B, 1]: 1 until the end token has been written
        Tensor? padding = Format.PaddingId is { } id
            ? GumbelSoftmax.OneHot(full([1], id, ScalarType.Int64, Device), Format.Vocabulary) : null; // [1, V]
        var oneHots = new Tensor[Format.Length];
        var ids = new Tensor[Format.Length];
        var masks = new Tensor[Format.Length];
        for (int t = 0; t < Format.Length; t++)
        {
            (hidden, state) = Step(input, state); // [B, H]
            Tensor logits = nn.functional.linear(hidden, OutputWeight, bias); // [B, V]
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
            input = _options.Feedback == Feedback.Relaxed ? sample.mm(EmbeddingWeight) : _embedding.call(ids[t]).detach(); // [B, E]
        }

        return new RelaxedSequences(stack(oneHots, 1), stack(ids, 1), cat(masks, 1)); // [B, T, V], [B, T], [B, T]
    }
}
