using GumbelGan.Engine;
using GumbelGan.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>
/// A discriminator's way from embedded sequences to features on the CPU, each batch one node of the graph. A batch needs memory from its forward to
/// its backward pass; afterwards the next batch takes it.
/// </summary>
/// <remarks>B batch, T time, E embedding, F features. Gradients have no gradient of their own, unless a derived class says so.</remarks>
/// <typeparam name="TMemory">What a batch needs.</typeparam>
internal abstract class FusedPass<TMemory> : IDisposable
    where TMemory : class, IDisposable
{
    // Larger batches are read so many rows at a time, where no gradient needs all of them at once.
    private const int RowsAtOnce = 256;
    private readonly Stack<TMemory> _idle = [];

    /// <summary>The threads.</summary>
    protected RowParallel Parallel { get; } = RowParallel.Shared(get_num_threads());

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryPop(out TMemory? memory))
        {
            memory.Dispose();
        }
    }

    /// <summary>Memory that is in no batch's use.</summary>
    /// <param name="fits">Whether what is there will do; else it is freed.</param>
    /// <param name="create">Makes other.</param>
    protected TMemory Take(Func<TMemory, bool> fits, Func<TMemory> create)
    {
        if (_idle.TryPop(out TMemory? used) && fits(used))
        {
            return used;
        }

        used?.Dispose();
        return create();
    }

    /// <summary>One pass.</summary>
    /// <param name="memory">What it needs; it is idle again after the backward pass, or at once where there is none.</param>
    /// <param name="forward">The value.</param>
    /// <param name="backward">From its gradient those of <paramref name="inputs"/>, null where there is none.</param>
    /// <param name="inputs">What gradients may reach.</param>
    protected Tensor Apply(TMemory memory, Func<Tensor> forward, Func<Tensor, IEnumerable<Tensor?>> backward, Tensor[] inputs)
    {
        if (Learns(inputs))
        {
            return FusedNode.Apply(
                forward,
                gradient =>
                {
                    Tensor?[] gradients = [.. backward(gradient)];
                    _idle.Push(memory);
                    return gradients;
                },
                inputs);
        }

        Tensor value = forward();
        _idle.Push(memory);
        return value;
    }

    /// <summary>The features of all rows: at once, or some after the others where the batch is large and nothing learns.</summary>
    /// <param name="embedded">[B, T, E].</param>
    /// <param name="mask">[B, T].</param>
    /// <param name="weights">What gradients may reach beside <paramref name="embedded"/>.</param>
    /// <param name="read">Turns [b, T, E] and [b, T] into [b, F].</param>
    /// <returns>[B, F].</returns>
    protected static Tensor InBlocks(Tensor embedded, Tensor mask, Tensor[] weights, Func<Tensor, Tensor, Tensor> read)
    {
        long batch = embedded.shape[0];
        if (batch <= RowsAtOnce || Learns([embedded, .. weights]))
        {
            return read(embedded, mask);
        }

        using DisposeScope scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (long first = 0; first < batch; first += RowsAtOnce)
        {
            long count = Math.Min(RowsAtOnce, batch - first);
            parts.Add(read(embedded.narrow(0, first, count), mask.narrow(0, first, count)));
        }

        return cat([.. parts], 0).MoveToOuterDisposeScope();
    }

    private static bool Learns(Tensor[] inputs) => is_grad_enabled() && inputs.Any(input => input.requires_grad);
}
