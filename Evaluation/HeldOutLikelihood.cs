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

        double total = 0;
        foreach (int[] indices in Batches(set))
        {
            using DisposeScope scope = NewDisposeScope();
            total += generator.SumNegativeLogLikelihood(Ids(generator, set, indices));
        }

        return new HeldOutLikelihood(total / set.Tokens, total / set.Count, set.Tokens, set.Count);
    }

    /// <summary>The negative log-likelihood of each sequence of <paramref name="set"/>, in its order.</summary>
    public static double[] OfEach(IGenerator generator, SequenceSet set)
    {
        double[] nats = new double[set.Count];
        foreach (int[] indices in Batches(set))
        {
            using DisposeScope scope = NewDisposeScope();
            double[] found = generator.SequenceNegativeLogLikelihoods(Ids(generator, set, indices));
            for (int row = 0; row < indices.Length; row++)
            {
                nats[indices[row]] = found[row];
            }
        }

        return nats;
    }

    // Sequences of like length together, so that little of a batch is padding.
    private static IEnumerable<int[]> Batches(SequenceSet set) => Enumerable.Range(0, set.Count).OrderBy(set.LengthOf).Chunk(BatchSize);

    // [B, T]. Without padding all sequences have one length, so nothing is filled.
    private static Tensor Ids(IGenerator generator, SequenceSet set, int[] indices) =>
        SequenceBatch.ToTensor(set, indices, generator.Format.PaddingId ?? 0).to(generator.Device);
}
