using GumbelGan.Tokenization;
using static TorchSharp.torch;

namespace GumbelGan.Evaluation;

/// <summary>Sequences of a set as one tensor.</summary>
public static class SequenceBatch
{
    /// <summary>The sequences numbered <paramref name="indices"/>, each followed by padding.</summary>
    /// <param name="set">Where they are.</param>
    /// <param name="indices">B of them.</param>
    /// <param name="paddingId">What fills a row after its sequence.</param>
    /// <param name="time">T; null takes the longest of the batch.</param>
    /// <returns>[B, T] of int64, on the CPU.</returns>
    /// <exception cref="ArgumentException">A sequence is longer than <paramref name="time"/>.</exception>
    public static Tensor ToTensor(SequenceSet set, ReadOnlySpan<int> indices, int paddingId, int? time = null)
    {
        int longest = time ?? 0;
        if (time is null)
        {
            foreach (int index in indices)
            {
                longest = Math.Max(longest, set.LengthOf(index));
            }
        }

        long[] values = new long[indices.Length * longest];
        Array.Fill(values, paddingId);
        Span<int> ids = new int[longest];
        for (int row = 0; row < indices.Length; row++)
        {
            int length = set.CopyTo(indices[row], ids);
            for (int t = 0; t < length; t++)
            {
                values[row * longest + t] = ids[t];
            }
        }

        return tensor(values, [indices.Length, longest]); // [B, T]
    }

    /// <summary>The rows of a tensor of ids, as arrays.</summary>
    /// <param name="ids">[B, T] of int64.</param>
    public static int[][] ToArrays(Tensor ids)
    {
        long[] values = ids.cpu().data<long>().ToArray();
        int time = (int)ids.shape[1];
        return [.. Enumerable.Range(0, (int)ids.shape[0])
            .Select(row => Array.ConvertAll(values[(row * time)..((row + 1) * time)], id => checked((int)id)))];
    }
}
