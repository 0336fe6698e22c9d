using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// A linear score of what a highway layer (Srivastava, Greff and Schmidhuber 2015) carries on, many rows at once: with y = A x + a and
/// g = sigmoid(G x), or sigmoid(y) where one matrix serves both, the sum of w m (x + g (max(0, y) - x)), m the factors of dropout. Between the
/// products a block of rows stays in cache, and nothing but y and G x is kept for the backward pass.
/// </summary>
/// <remarks>
/// N rows, D width. Matrices are PyTorch's, [D, D] with a row for each result. Blocks depend on the sizes alone: the numbers do not change with the
/// threads.
/// </remarks>
public sealed unsafe class HighwayScore : IDisposable
{
    private const int RowBlock = 96, DepthBlock = 128, ResultBlock = 120;
    private readonly RowParallel _parallel;
    private readonly int _maximumRows, _width;
    private readonly PackedMatrix _transform, _transformBackward;
    private readonly PackedMatrix? _gate, _gateBackward;
    // y and G x; after the backward pass their gradients.
    private readonly NativeBuffer _transformed, _bias;
    private readonly NativeBuffer? _gated;
    // For each block of rows its share of the gradients of w and of a.
    private readonly NativeBuffer _partials;

    /// <summary>Sets the memory aside.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="rows">N, the largest to come.</param>
    /// <param name="width">D.</param>
    /// <param name="isShared">Whether A and a are the gate too.</param>
    public HighwayScore(RowParallel parallel, int rows, int width, bool isShared)
    {
        (_parallel, _maximumRows, _width) = (parallel, rows, width);
        (_transform, _transformBackward) = (new PackedMatrix(width, width), new PackedMatrix(width, width));
        (_transformed, _bias) = (new NativeBuffer((nint)rows * width), new NativeBuffer(width));
        _partials = new NativeBuffer((nint)Blocks(rows) * 2 * width);
        if (!isShared)
        {
            (_gate, _gateBackward) = (new PackedMatrix(width, width), new PackedMatrix(width, width));
            _gated = new NativeBuffer((nint)rows * width);
        }
    }

    /// <summary>Whether so many rows have room.</summary>
    public bool Fits(int rows) => rows <= _maximumRows;

    /// <summary>The scores of some rows.</summary>
    /// <param name="features">x, [N, D].</param>
    /// <param name="rows">N.</param>
    /// <param name="factors">m, [N, D], or null where nothing is dropped.</param>
    /// <param name="transform">A, [D, D].</param>
    /// <param name="second">a, [D], where A is the gate too; else G, [D, D].</param>
    /// <param name="output">w, [D].</param>
    /// <param name="scores">[N], overwritten.</param>
    public void Forward(float* features, int rows, float* factors, float* transform, float* second, float* output, float* scores)
    {
        _transform.PackTransposed(_parallel, transform);
        if (_gate is null)
        {
            new ReadOnlySpan<float>(second, _width).CopyTo(new Span<float>(_bias.Pointer, _width));
        }
        else
        {
            _gate.PackTransposed(_parallel, second);
        }

        _parallel.For(Blocks(rows), 1, (first, end) =>
        {
            for (int block = first; block < end; block++)
            {
                int row = block * RowBlock, count = Math.Min(RowBlock, rows - row);
                nint start = (nint)row * _width;
                _transform.Multiply(features + start, count, _transformed.Pointer + start, accumulate: false);
                _gate?.Multiply(features + start, count, _gated!.Pointer + start, accumulate: false);
                for (int i = 0; i < count; i++, start += _width)
                {
                    scores[row + i] = ScoreRow(features + start, factors == null ? null : factors + start, start, output);
                }
            }
        });
    }

    /// <summary>The gradients of the last <see cref="Forward"/>; all are overwritten.</summary>
    /// <param name="gradient">[N], with respect to the scores.</param>
    /// <param name="features">As they were, [N, D].</param>
    /// <param name="rows">N.</param>
    /// <param name="factors">As they were.</param>
    /// <param name="transform">As it was.</param>
    /// <param name="second">As it was.</param>
    /// <param name="output">As it was.</param>
    /// <param name="into">Where they go.</param>
    public void Backward(float* gradient, float* features, int rows, float* factors, float* transform, float* second, float* output,
        HighwayGradients into)
    {
        _transformBackward.Pack(_parallel, transform);
        _gateBackward?.Pack(_parallel, second);
        _parallel.For(Blocks(rows), 1, (first, end) =>
        {
            for (int block = first; block < end; block++)
            {
                int row = block * RowBlock, count = Math.Min(RowBlock, rows - row);
                nint origin = (nint)row * _width;
                float* partials = _partials.Pointer + (nint)block * 2 * _width;
                new Span<float>(partials, 2 * _width).Clear();
                for (int i = 0; i < count; i++)
                {
                    nint start = origin + (nint)i * _width;
                    BackwardRow(gradient[row + i], features + start, factors == null ? null : factors + start, start, output, into.Features + start,
                        partials);
                }

                _transformBackward.Multiply(_transformed.Pointer + origin, count, into.Features + origin, accumulate: true);
                _gateBackward?.Multiply(_gated!.Pointer + origin, count, into.Features + origin, accumulate: true);
            }
        });
        if (into.Transform == null)
        {
            return;
        }

        Add(0, rows, into.Output);
        WeightGradient(_transformed.Pointer, features, rows, into.Transform);
        if (_gated is null)
        {
            Add(1, rows, into.Second);
        }
        else
        {
            WeightGradient(_gated.Pointer, features, rows, into.Second);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable? part in (IDisposable?[])
            [_transform, _transformBackward, _gate, _gateBackward, _transformed, _gated, _bias, _partials])
        {
            part?.Dispose();
        }
    }

    private static int Blocks(int rows) => (rows + RowBlock - 1) / RowBlock;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float ScoreRow(float* features, float* factors, nint start, float* output)
    {
        float* transformed = _transformed.Pointer + start, gated = _gated is null ? transformed : _gated.Pointer + start, bias = _bias.Pointer;
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i < _width; i += Lanes)
        {
            int count = Math.Min(Lanes, _width - i);
            Vector512<float> x = Load(features + i, count), y = Load(transformed + i, count) + Load(bias + i, count);
            Store(y, transformed + i, count);
            Vector512<float> open = Sigmoid(Load(gated + i, count)), weight = Load(output + i, count);
            weight = factors == null ? weight : weight * Load(factors + i, count);
            sum += weight * (x + open * (Vector512.Max(y, Vector512<float>.Zero) - x));
        }

        return Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void BackwardRow(float gradient, float* features, float* factors, nint start, float* output, float* inputs, float* partials)
    {
        float* transformed = _transformed.Pointer + start, gated = _gated is null ? transformed : _gated.Pointer + start;
        Vector512<float> outer = Vector512.Create(gradient);
        for (int i = 0; i < _width; i += Lanes)
        {
            int count = Math.Min(Lanes, _width - i);
            Vector512<float> x = Load(features + i, count), y = Load(transformed + i, count), open = Sigmoid(Load(gated + i, count));
            Vector512<float> change = Vector512.Max(y, Vector512<float>.Zero) - x, kept = Vector512<float>.One - open;
            Vector512<float> share = factors == null ? outer : outer * Load(factors + i, count);
            Store(Load(partials + i, count) + share * (x + open * change), partials + i, count);
            Vector512<float> carried = share * Load(output + i, count);
            Vector512<float> ofTransform = Vector512.ConditionalSelect(
                Vector512.GreaterThan(y, Vector512<float>.Zero), carried * open, Vector512<float>.Zero);
            Vector512<float> ofGate = carried * change * open * kept;
            Store(carried * kept, inputs + i, count);
            if (_gated is null)
            {
                Vector512<float> both = ofTransform + ofGate;
                Store(both, transformed + i, count);
                Store(Load(partials + _width + i, count) + both, partials + _width + i, count);
            }
            else
            {
                Store(ofTransform, transformed + i, count);
                Store(ofGate, gated + i, count);
            }
        }
    }

    // The blocks' shares in the order of the blocks.
    private void Add(int which, int rows, float* sum)
    {
        new Span<float>(sum, _width).Clear();
        for (int block = 0; block < Blocks(rows); block++)
        {
            AddScaled(_partials.Pointer + ((nint)block * 2 + which) * _width, 1, sum, _width);
        }
    }

    // A group of the matrix' rows stays in the second-level cache while all rows of the batch pass by, so many at a time that what a panel of columns
    // needs of them stays in the first. Both factors are copied together, since rows of the batch lie a page apart.
    private void WeightGradient(float* gradient, float* features, int rows, float* weight) =>
        _parallel.For((_width + ResultBlock - 1) / ResultBlock, 1, (first, end) =>
        {
            float* left = stackalloc float[DepthBlock * ResultBlock], right = stackalloc float[DepthBlock * PackedMatrix.Panel];
            for (int group = first; group < end; group++)
            {
                int result = group * ResultBlock, results = Math.Min(ResultBlock, _width - result);
                for (int row = 0; row < rows; row += DepthBlock)
                {
                    int depth = Math.Min(DepthBlock, rows - row);
                    nint start = (nint)row * _width;
                    Gather(gradient + start + result, results, left, ResultBlock, depth);
                    for (int column = 0; column < _width; column += PackedMatrix.Panel)
                    {
                        int columns = Math.Min(PackedMatrix.Panel, _width - column);
                        Gather(features + start + column, columns, right, PackedMatrix.Panel, depth);
                        MatrixKernel.Multiply(left, 1, ResultBlock, right, PackedMatrix.Panel, weight + (nint)result * _width + column, _width,
                            results, columns, depth, accumulate: row > 0);
                    }
                }
            }
        });

    private void Gather(float* source, int columns, float* destination, int stride, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            new ReadOnlySpan<float>(source + (nint)row * _width, columns).CopyTo(new Span<float>(destination + row * stride, columns));
        }
    }
}
