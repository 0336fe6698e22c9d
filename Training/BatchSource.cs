using GumbelGan.Evaluation;
using GumbelGan.Randomness;
using GumbelGan.Tokenization;
using GumbelGan.Training.Collectives;
using static TorchSharp.torch;

namespace GumbelGan.Training;

/// <summary>
/// Training batches in random order without replacement: one random permutation of the set after another, cut into batches. Batch n is a
/// function of the key and n alone, so there is no cursor to save.
/// </summary>
/// <param name="set">The sequences.</param>
/// <param name="batchSize">B.</param>
/// <param name="paddingId">What fills a row after its sequence.</param>
/// <param name="minimumTime">The least T of a batch (a CNN needs as many places as its widest filter).</param>
/// <param name="key">Keys the order.</param>
/// <param name="ranks">Who shares a batch: each gets its slice, as wide as the whole batch; null where one has it all.</param>
public sealed class BatchSource(SequenceSet set, int batchSize, int paddingId, int minimumTime, RandomKey key, ICollective? ranks = null)
{
    private long _epoch = -1;
    private int[] _order = [];

    /// <summary>How many batches make one pass over the set, the last one counted whole.</summary>
    public long BatchesPerEpoch => (set.Count + batchSize - 1) / batchSize;

    /// <summary>Batch number <paramref name="number"/>, counted from 0.</summary>
    /// <returns>[B, T] of int64, T as long as its longest sequence needs; B / N of the rows for each of N ranks.</returns>
    public Tensor Batch(long number)
    {
        int[] indices = new int[batchSize];
        for (int i = 0; i < batchSize; i++)
        {
            (long epoch, long place) = Math.DivRem(number * batchSize + i, set.Count);
            indices[i] = Order(epoch)[place];
        }

        int share = batchSize / (ranks?.Size ?? 1), first = share * (ranks?.Rank ?? 0);
        return SequenceBatch.ToTensor(set, indices.AsSpan(first, share), paddingId, Math.Max(minimumTime, indices.Max(set.LengthOf)));
    }

    private int[] Order(long epoch)
    {
        if (epoch != _epoch)
        {
            _order = [.. Enumerable.Range(0, set.Count)];
            new RandomStream(key.Derive((ulong)epoch)).Shuffle<int>(_order);
            _epoch = epoch;
        }

        return _order;
    }
}
