using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// A linear score of the output of a highway layer (Srivastava, Greff and Schmidhuber 2015), for many rows at once: the sum over the width of
/// w m (x + g (max(0, y) - x)), where y = A x + a, the gate g is sigmoid(G x), or sigmoid(y) where one matrix serves both, and m are the factors of
/// dropout. A block of rows stays in cache between the products, and only y and G x are kept for the backward pass.
/// </summary>
/// <remarks>
/// N rows, D width. Matrices are PyTorch's: [D, D], a row for each output. Blocks depend on the sizes alone: results do not depend on the number of
/// threads.
/// </remarks>
public sealed unsafe class HighwayScore : IDisposable
{
    private const int RowBlock = 96, DepthBlock = 128, ResultBlock = 120;
    private readonly RowParallel _parallel;
    private readonly int _maximumRows, _width;
    private readonly PackedMatrix _transform, _transformBackward;
    private readonly PackedMatrix? _gate, _gateBackward;
    // y and G x, [N, D]; after the backward pass their gradients.
    private readonly NativeBuffer _transformed, _bias;
    private readonly NativeBuffer? _gated;
    // [blocks, 2, D]: the share of each block of rows in the gradients of w and of a.
    private readonly NativeBuffer _partials;

    /// <summary>Allocates the memory.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="rows">N, the largest that will be used.</param>
    /// <param name="width">D.</param>
    /// <param name="isShared">Whether A and a serve the gate too.</param>
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

    /// <summary>Computes the scores of some rows.</summary>
    /// <param name="features">x, [N, D].</param>
    /// <param name="rows">N.</param>
    /// <param name="factors">m, [N, D], or null where nothing is dropped.</param>
    /// <param name="transform">A, [D, D].</param>
    /// <param name="biasOrGate">a, [D], where A serves the gate too; else G, [D, D], and a is zero.</param>
    /// <param name="output">w, [D].</param>
    /// <param name="scores">[N], overwritten.</param>
    public void Forward(float* features, int rows, float* factors, float* transform, float* biasOrGate, float* output, float* scores)
    {
        _transform.PackTransposed(_parallel, transform);
        if (_gate is null)
        {
            new ReadOnlySpan<float>(biasOrGate, _width).CopyTo(new Span<float>(_bias.Pointer, _width));
        }
        else
        {
            _gate.PackTransposed(_parallel, biasOrGate);
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
    /// <param name="features">As in <see cref="Forward"/>; likewise the next five.</param>
    /// <param name="rows">N.</param>
    /// <param name="factors">m.</param>
    /// <param name="transform">A.</param>
    /// <param name="biasOrGate">a or G.</param>
    /// <param name="output">w.</param>
    /// <param name="into">Where the gradients are written.</param>
    public void Backward(float* gradient, float* features, int rows, float* factors, float* transform, float* biasOrGate, float* output,
        HighwayGradients into)
    {
        _transformBackward.Pack(_parallel, transform);
        _gateBackward?.Pack(_parallel, biasOrGate);
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

        SumPartials(0, rows, into.Output);
        WeightGradient(_transformed.Pointer, features, rows, into.Transform);
        if (_gated is null)
        {
            SumPartials(1, rows, into.BiasOrGate);
        }
        else
        {
            WeightGradient(_gated.Pointer, features, rows, into.BiasOrGate);
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

    // Adds the shares of the blocks in a fixed order.
    private void SumPartials(int which, int rows, float* sum)
    {
        new Span<float>(sum, _width).Clear();
        for (int block = 0; block < Blocks(rows); block++)
        {
            AddScaled(_partials.Pointer + ((nint)block * 2 + which) * _width, 1, sum, _width);
        }
    }

    // A block of the matrix's rows stays in the second-level cache while the batch passes by, in slices of which each panel fits into the first-level
    // cache. Both factors are copied to contiguous memory, since rows of the batch lie a page apart.
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
