using GumbelGan.Engine;
using GumbelGan.Training.Runs;
using static TorchSharp.torch;

namespace GumbelGan.Training.Collectives;

/// <summary>What objectives and the trainer ask of the ranks. With one process each of these gives back what it was given.</summary>
/// <remarks>
/// A batch of B sequences is cut into equal slices, one a rank. A mean over a batch's sequences is then the mean of the ranks' own means, and nothing
/// needs to be asked; what counts tokens, or looks at the whole batch, asks here.
/// </remarks>
public static class CollectiveOperations
{
    /// <summary>Whether this rank is the one that records, evaluates, writes and speaks.</summary>
    public static bool IsRoot(this ICollective ranks) => ranks.Rank == 0;

    /// <summary>How many of a batch's sequences are this rank's.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="batch">B, a multiple of their number.</param>
    public static int Share(this ICollective ranks, int batch) => batch / ranks.Size;

    /// <summary>Whether it holds for any rank.</summary>
    public static bool Any(this ICollective ranks, bool here)
    {
        double count = here ? 1 : 0;
        ranks.Sum(new Span<double>(ref count));
        return count > 0;
    }

    /// <summary>The sum over the ranks, of a tensor of the same shape on each; no gradient flows through it.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="numbers">Of float32.</param>
    public static Tensor Sum(this ICollective ranks, Tensor numbers)
    {
        if (ranks.Size == 1)
        {
            return numbers;
        }

        Tensor sum = numbers.detach().cpu().contiguous().clone();
        ranks.Sum(TensorMemory.Numbers(sum));
        return sum.to(numbers.device);
    }

    /// <summary>
    /// A rank's mean over its own tokens as its part of the mean over all: what it is to be weighted with, so that the mean of the ranks' parts is
    /// the mean over the tokens of the whole batch. Gradients flow through it.
    /// </summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="mean">A scalar, the mean over this rank's tokens.</param>
    /// <param name="ids">[B, T], the tokens.</param>
    /// <param name="padding">What is no token; null where every id is one.</param>
    public static Tensor PartOfTokenMean(this ICollective ranks, Tensor mean, Tensor ids, int? padding)
    {
        if (ranks.Size == 1 || padding is not { } filling)
        {
            return mean;
        }

        double own = ids.ne(filling).sum().item<long>(), all = own;
        ranks.Sum(new Span<double>(ref all));
        return mean * (own * ranks.Size / all);
    }

    /// <summary>Averages over the ranks what a step has measured.</summary>
    public static List<(string Tag, double Value)> Average(this ICollective ranks, List<(string Tag, double Value)> measured)
    {
        if (ranks.Size == 1)
        {
            return measured;
        }

        double[] values = [.. measured.Select(scalar => scalar.Value)];
        ranks.Sum(values.AsSpan());
        return [.. measured.Select((scalar, i) => (scalar.Tag, values[i] / ranks.Size))];
    }

    /// <summary>What rank 0 finds out, which alone is asked.</summary>
    public static bool FromRoot(this ICollective ranks, Func<bool> find)
    {
        byte[] answer = [ranks.IsRoot() && find() ? (byte)1 : (byte)0];
        ranks.Broadcast(answer);
        return answer[0] == 1;
    }

    /// <summary>What rank 0 makes of the state, and what it answers beside it.</summary>
    public static (TrainingState State, bool Answer) FromRoot(this ICollective ranks, Func<(TrainingState State, bool Answer)> find)
    {
        if (ranks.Size == 1)
        {
            return find();
        }

        (TrainingState State, bool Answer) found = ranks.IsRoot() ? find() : default;
        byte[] bytes = ranks.FromRoot(() => found.State.ToJson());
        return (ranks.IsRoot() ? found.State : TrainingState.FromJson(bytes, "The state from rank 0"), ranks.FromRoot(() => found.Answer));
    }

    /// <summary>Bytes that rank 0 makes, as many as they may be.</summary>
    public static byte[] FromRoot(this ICollective ranks, Func<byte[]> find)
    {
        byte[] bytes = ranks.IsRoot() ? find() : [], length = BitConverter.GetBytes(bytes.Length);
        ranks.Broadcast(length);
        if (!ranks.IsRoot())
        {
            bytes = new byte[BitConverter.ToInt32(length)];
        }

        ranks.Broadcast(bytes);
        return bytes;
    }
}
