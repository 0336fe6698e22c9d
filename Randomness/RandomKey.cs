using System.Text;

namespace GumbelGan.Randomness;

/// <summary>
/// The identity of one independent random stream. Keys form a tree: the root is the run's seed, and each named or numbered child
/// is as good as a fresh seed. Nothing is drawn from a key itself, so adding a child never moves the numbers of another.
/// </summary>
/// <param name="Value">64 bits that key the Philox generator.</param>
public readonly record struct RandomKey(ulong Value)
{
    /// <summary>
    /// Which of several equal slices of a batch is drawn, from 0: row r of B drawn rows is row <c>Slice * B + r</c> of the whole batch, so that N
    /// processes with a slice each draw together what one draws alone. It belongs to all children too.
    /// </summary>
    public int Slice { get; init; }

    /// <summary>
    /// The same stream for slice 0 and for each other slice one of its own: for draws of which slices do not make equally many, so that they have no
    /// place in the whole batch.
    /// </summary>
    public RandomKey Apart => Slice == 0 ? this : new RandomKey(Derive((ulong)Slice).Value);

    /// <summary>The row of the whole batch that is the first of <paramref name="rows"/> drawn ones.</summary>
    public ulong FirstRow(long rows) => (ulong)Slice * (ulong)rows;

    /// <summary>The key of the child stream called <paramref name="name"/> (for example "initialisation").</summary>
    public RandomKey Derive(string name)
    {
        // FNV-1a over the UTF-8 bytes, then mixed: string.GetHashCode differs from process to process.
        ulong hash = 14695981039346656037UL;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 1099511628211UL;
        }

        return Derive(hash);
    }

    /// <summary>The key of the child stream numbered <paramref name="index"/> (for example a training step).</summary>
    public RandomKey Derive(ulong index)
    {
        Philox.Block block = Philox.Generate(Value, index, 0x9E3779B97F4A7C15UL);
        return new RandomKey(((ulong)block.B << 32) | block.A) { Slice = Slice };
    }
}
