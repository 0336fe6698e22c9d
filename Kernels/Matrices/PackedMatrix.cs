namespace GumbelGan.Kernels;

/// <summary>
/// The right factor of many products, copied into the layout that <see cref="MatrixKernel"/> reads fastest: panels of 64 columns, each contiguous,
/// the last padded with zeros.
/// </summary>
/// <remarks>The depth is the dimension that a product sums over. Results do not depend on the number of threads.</remarks>
public sealed unsafe class PackedMatrix : IDisposable
{
    /// <summary>Columns of a panel.</summary>
    internal const int Panel = 64;

    private const int RowBlock = 24;
    // A task of fewer multiplications costs less than handing it to another thread.
    private const int WorthSharing = 1 << 17;
    private readonly int _depth, _columns, _panels;
    private readonly NativeBuffer _panelsMemory;

    /// <summary>Memory for a factor of <paramref name="depth"/> x <paramref name="columns"/>.</summary>
    public PackedMatrix(int depth, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(depth);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        (_depth, _columns, _panels) = (depth, columns, (columns + Panel - 1) / Panel);
        _panelsMemory = new NativeBuffer((nint)_panels * Panel * depth);
    }

    private int PanelsWorthSharing => Math.Max(1, (1 << 14) / (Panel * _depth));

    /// <summary>Copies the transpose of <paramref name="source"/>, [columns, depth]: a PyTorch weight W, for products x W'.</summary>
    public void PackTransposed(float* source)
    {
        for (int panel = 0; panel < _panels; panel++)
        {
            PackPanelTransposed(source, panel);
        }
    }

    /// <summary>The same on several threads.</summary>
    public void PackTransposed(RowParallel parallel, float* source) =>
        parallel.For(_panels, PanelsWorthSharing, (first, end) =>
        {
            for (int panel = first; panel < end; panel++)
            {
                PackPanelTransposed(source, panel);
            }
        });

    /// <summary>Copies <paramref name="source"/>, [depth, columns], without transposing: a PyTorch weight W, for a gradient times W.</summary>
    public void Pack(RowParallel parallel, float* source) =>
        parallel.For(_panels, PanelsWorthSharing, (first, end) =>
        {
            for (int panel = first; panel < end; panel++)
            {
                int width = Math.Min(Panel, _columns - (panel * Panel));
                for (int row = 0; row < _depth; row++)
                {
                    new ReadOnlySpan<float>(source + ((nint)row * _columns) + (panel * Panel), width)
                        .CopyTo(new Span<float>(PanelStart(panel) + ((nint)row * Panel), width));
                }
            }
        });

    /// <summary>C = A B, or C += A B.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="a">[rows, depth], contiguous.</param>
    /// <param name="rows">Rows of A and C.</param>
    /// <param name="c">[rows, columns], contiguous.</param>
    /// <param name="accumulate">Whether to add to what C holds.</param>
    public void Multiply(RowParallel parallel, float* a, int rows, float* c, bool accumulate)
    {
        int blocks = (rows + RowBlock - 1) / RowBlock;
        long work = (long)Math.Min(rows, RowBlock) * _depth * Math.Min(_columns, Panel);
        parallel.For(_panels * blocks, (int)Math.Max(1, WorthSharing / Math.Max(1, work)), (first, end) =>
        {
            for (int task = first; task < end; task++)
            {
                int panel = task / blocks, row = task % blocks * RowBlock;
                MatrixKernel.Multiply(
                    a + ((nint)row * _depth), _depth, 1, PanelStart(panel), Panel, c + ((nint)row * _columns) + ((nint)panel * Panel), _columns,
                    Math.Min(RowBlock, rows - row), Math.Min(Panel, _columns - (panel * Panel)), _depth, accumulate);
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose() => _panelsMemory.Dispose();

    /// <summary>The same on the caller's thread alone.</summary>
    internal void Multiply(float* a, int rows, float* c, bool accumulate)
    {
        for (int panel = 0; panel < _panels; panel++)
        {
            MatrixKernel.Multiply(
                a, _depth, 1, PanelStart(panel), Panel, c + ((nint)panel * Panel), _columns, rows, Math.Min(Panel, _columns - (panel * Panel)),
                    _depth, accumulate);
        }
    }

    /// <summary>[depth, 64]: the columns from 64 * <paramref name="panel"/> on.</summary>
    internal float* PanelStart(int panel) => _panelsMemory.Pointer + ((nint)panel * Panel * _depth);

    private void PackPanelTransposed(float* source, int panel)
    {
        nint column = (nint)panel * Panel;
        MatrixKernel.Transpose(source + (column * _depth), (int)Math.Min(Panel, _columns - column), _depth, PanelStart(panel), Panel);
    }
}
