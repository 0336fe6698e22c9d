using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Discriminators;

/// <summary>A large batch some rows at a time, in the memory of so many, where no gradient needs all of it at once.</summary>
internal static class RowBlocks
{
    /// <summary>Rows of a block; the last may be smaller.</summary>
    public const int Rows = 256;

    /// <summary>The results of <paramref name="read"/> on blocks of rows, below each other.</summary>
    /// <param name="embedded">[B, T, E].</param>
    /// <param name="mask">[B, T].</param>
    /// <param name="read">Turns [b, T, E] and [b, T] into [b, F].</param>
    /// <returns>[B, F].</returns>
    public static Tensor Concatenate(Tensor embedded, Tensor mask, Func<Tensor, Tensor, Tensor> read)
    {
        using DisposeScope scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (long first = 0; first < embedded.shape[0]; first += Rows)
        {
            long count = Math.Min(Rows, embedded.shape[0] - first);
            parts.Add(read(embedded.narrow(0, first, count), mask.narrow(0, first, count)));
        }

        return cat([.. parts], 0).MoveToOuterDisposeScope();
    }
}
