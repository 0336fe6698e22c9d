using System.Runtime.InteropServices;
using System.Security.Cryptography;
using GumbelGan.Engine;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Collectives;

/// <summary>
/// Gives every rank the weights, the moments and whatever else rank 0 has, which alone reads checkpoints; and sees that they stay equal.
/// </summary>
internal static class SharedProgress
{
    /// <summary>Replaces all that the objective's checkpoints hold by what it is on rank 0.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="objective">In the same phase on each.</param>
    /// <param name="state">The same on each.</param>
    public static void Share(this ICollective ranks, Objective objective, TrainingState state)
    {
        if (ranks.Size == 1)
        {
            return;
        }

        using IDisposable off = no_grad();
        objective.Numbers = state.Objective;
        foreach (Learner learner in objective.Learners)
        {
            Share(ranks, ModuleWeights.Named(learner.Module).Select(named => named.Value));
            learner.Optimizer.Share(ranks);
        }

        Share(ranks, objective.Tensors.Select(named => named.Value));
    }

    /// <summary>Replaces tensors by what they are on rank 0.</summary>
    public static void Share(this ICollective ranks, IEnumerable<Tensor> tensors)
    {
        foreach (Tensor tensor in tensors)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor numbers = tensor.detach().cpu().contiguous();
            ranks.Broadcast(MemoryMarshal.AsBytes(TensorMemory.Numbers(numbers)));
            tensor.copy_(numbers);
        }
    }

    /// <summary>
    /// Sees that every rank has the weights of rank 0, bit by bit: each has applied the same averaged gradients to the same weights.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// This rank has others: its machine or its MPI library does not compute as that of rank 0 does.
    /// </exception>
    public static void RequireEqualWeights(this ICollective ranks, Objective objective)
    {
        if (ranks.Size == 1)
        {
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((_, Tensor weight) in objective.Learners.SelectMany(learner => ModuleWeights.Named(learner.Module)))
        {
            hash.AppendData(MemoryMarshal.AsBytes(TensorMemory.Numbers(weight.detach().cpu().contiguous())));
        }

        byte[] own = hash.GetHashAndReset(), root = (byte[])own.Clone();
        ranks.Broadcast(root);
        if (!own.AsSpan().SequenceEqual(root))
        {
            throw new InvalidOperationException(
                "the weights of this rank are no longer those of rank 0, though both have made the same steps; do not "
                + "mix machines or versions of the MPI library in one run.");
        }
    }
}
