using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <content>Roll-outs of relaxed samples.</content>
public abstract partial class RecurrentGenerator
{
    /// <inheritdoc/>
    public virtual IRollout RollOut(int batch, int discriminatorWidth, int minimumTime, Relaxation relaxation) =>
        new ComposedRollout(this, batch, relaxation);

    /// <inheritdoc/>
    public RelaxedSequences Relax(int batch, double temperature, Relaxation relaxation, RandomKey noise)
    {
        Tensor[] state = InitialState(batch, noise);
        Tensor bias = EffectiveBias(), hidden;
        Tensor input = _embedding.call(full([batch], Format.BeginId, ScalarType.Int64, Device)); // [B, E]
        Tensor alive = ones([batch, 1], device: Device); // [B, 1]: 1 until the end token has been written
        Tensor weight = alive; // [B, 1]: the share that a place has in the score
        Tensor? padding = Format.PaddingId is { } id
            ? GumbelSoftmax.OneHot(full([1], id, ScalarType.Int64, Device), Format.Vocabulary) : null; // [1, V]
        var oneHots = new Tensor[Format.Length];
        var ids = new Tensor[Format.Length];
        var masks = new Tensor[Format.Length];
        for (int t = 0; t < Format.Length; t++)
        {
            (hidden, state) = Step(input, state); // [B, H]
            Tensor logits = nn.functional.linear(hidden, OutputWeight, bias); // [B, V]
            RandomKey key = noise.Derive((ulong)t);
            Tensor gumbel = GumbelSoftmax.Noise(key, batch, Format.Vocabulary, Device);
            Tensor sample = GumbelSoftmax.Sample(logits, gumbel, temperature, relaxation, RelaxationInputs.FurtherDraws(key)); // [B, V]
            masks[t] = weight;
            ids[t] = sample.argmax(-1); // [B]
            Tensor fed = sample, next = ids[t]; // [B, V], [B]
            if (Format.EndId is { } end)
            {
                Tensor living = alive.gt(0.5); // [B, 1]
                if (_options.Ending == Ending.Gradient)
                {
                    weight = weight * (1 - sample.narrow(1, end, 1));
                    (fed, next) = Continued(sample, ids[t], logits + gumbel, relaxation.IsHard);
                    ids[t] = where(living.squeeze(1), ids[t], Format.PaddingId!.Value);
                    alive = alive * ids[t].ne(end).to(ScalarType.Float32).unsqueeze(1);
                }
                else
                {
                    fed = sample = where(living, sample, padding!);
                    next = ids[t] = sample.argmax(-1); // [B]
                    weight = alive = alive * ids[t].ne(end).to(ScalarType.Float32).unsqueeze(1);
                }
            }

            oneHots[t] = sample;
            input = _options.Feedback == Feedback.Relaxed ? fed.mm(EmbeddingWeight) : _embedding.call(next).detach(); // [B, E]
        }

        return new RelaxedSequences(stack(oneHots, 1), stack(ids, 1), cat(masks, 1)); // [B, T, V], [B, T], [B, T]
    }

    /// <summary>
    /// What is read next with <see cref="Ending.Gradient"/>. A sequence goes on past its end as if it had not ended, since the gradient of ending
    /// compares with what would have come. After an end token the best of the other tokens is read: by the Gumbel-max trick, a draw from the model
    /// given that the sequence does not end. A soft sample is fed back unchanged, so that it stays a smooth function of the weights.
    /// </summary>
    private (Tensor Fed, Tensor Next) Continued(Tensor sample, Tensor tokens, Tensor perturbed, bool isHard)
    {
        Tensor never = GumbelSoftmax.OneHot(full([1], Format.EndId!.Value, ScalarType.Int64, Device), Format.Vocabulary) * NeverLogit; // [1, V]
        Tensor ended = tokens.eq(Format.EndId.Value); // [B]
        Tensor next = where(ended, (perturbed.detach() + never).argmax(-1), tokens); // [B]
        return (isHard ? where(ended.unsqueeze(1), GumbelSoftmax.OneHot(next, Format.Vocabulary), sample) : sample, next);
    }
}
