using GumbelGan.Generators;
using GumbelGan.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Evaluation;

/// <summary>How surprising a set of sequences is to a generator, in nats; the end token counts as a token, padding does not.</summary>
/// <param name="PerToken">Mean over all tokens of all sequences.</param>
/// <param name="PerSequence">Mean over sequences of the sum over their tokens.</param>
/// <param name="Tokens">How many tokens that is.</param>
/// <param name="Sequences">How many sequences.</param>
public sealed record HeldOutLikelihood(double PerToken, double PerSequence, long Tokens, int Sequences)
{
    private const int BatchSize = 128;

    /// <summary>
    /// The negative log-likelihood of every sequence of <paramref name="set"/> under <paramref name="generator"/>, summed in double precision.
    /// </summary>
    /// <exception cref="ArgumentException">The set is empty.</exception>
    public static HeldOutLikelihood Measure(IGenerator generator, SequenceSet set)
    {
        if (set.Count == 0)
        {
            throw new ArgumentException("No sequences to measure.", nameof(set));
        }

        // Sequences of like length together, so that little of a batch is padding.
        int[] order = [.. Enumerable.Range(0, set.Count).OrderBy(set.LengthOf)];
        double total = 0;
        foreach (int[] indices in order.Chunk(BatchSize))
        {
            using DisposeScope scope = NewDisposeScope();
            // Without padding all sequences have one length, so nothing is filled.
            Tensor ids = SequenceBatch.ToTensor(set, indices, generator.Format.PaddingId ?? 0).to(generator.Device); // [B, T]
            total += generator.SumNegativeLogLikelihood(ids);
        }

        return new HeldOutLikelihood(total / set.Tokens, total / set.Count, set.Tokens, set.Count);
    }
}
