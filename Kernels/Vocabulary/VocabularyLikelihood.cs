using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>Where <see cref="VocabularyLikelihood"/> writes its gradients; all are overwritten.</summary>
/// <remarks>N rows, V vocabulary, H hidden.</remarks>
public unsafe struct LikelihoodGradients
{
    /// <summary>The factor of every row's loss in the objective, where <see cref="Scales"/> is null.</summary>
    public float Scale { get; set; }

    /// <summary>[N]: the factor of each row's loss, of either sign.</summary>
    public float* Scales { get; set; }

    /// <summary>[N, H].</summary>
    public float* Hidden { get; set; }

    /// <summary>[V, H].</summary>
    public float* Weight { get; set; }

    /// <summary>[V].</summary>
    public float* Bias { get; set; }
}

/// <summary>
/// From hidden states to the cross-entropy of their target tokens, -log softmax(h W' + b)[target] in nats, and its gradients. A piece of the
/// vocabulary and a few hundred rows are computed at a time: no [N, V] matrix of logits ever exists.
/// </summary>
/// <remarks>
/// N rows (tokens to predict), V vocabulary, H hidden. The exponentials of a few hundred rows, each piece relative to its own maximum, stay in the
/// outer cache between the passes and become the gradient in place. The gradient of W is computed by pieces, that of h by blocks of rows, so that no
/// two threads write to the same rows. All cuts depend on the sizes alone: results do not depend on the number of threads.
/// </remarks>
public sealed unsafe class VocabularyLikelihood : IDisposable
{
    private const int PieceColumns = VocabularyWalker.PieceColumns, ForwardRows = VocabularyWalker.BlockRows;
    // Rows of h's gradient for each pass over W, and the depth of the products for W's gradient.
    private const int HiddenRows = 48, WeightDepth = 64;
    // Exponentials kept between the passes: 8 MB, a part of the outer cache.
    private const int KeptFloats = 1 << 21;

    private readonly int _vocabulary, _hidden, _pieces, _chunkRows;
    private readonly VocabularyWalker _walker;
    private readonly SoftmaxPartials _partials;
    private readonly NativeBuffer _kept, _targetLogits;

    /// <summary>Allocates the memory.</summary>
    /// <param name="vocabulary">V.</param>
    /// <param name="hidden">H.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public VocabularyLikelihood(int vocabulary, int hidden)
    {
        _walker = new VocabularyWalker(vocabulary, hidden);
        (_vocabulary, _hidden, _pieces) = (vocabulary, hidden, _walker.Pieces);
        _chunkRows = Math.Clamp(KeptFloats / (_pieces * PieceColumns) / HiddenRows, 1, 64) * HiddenRows;
        _partials = new SoftmaxPartials(_pieces, _chunkRows);
        (_kept, _targetLogits) = (new((nint)_pieces * _chunkRows * PieceColumns), new(_chunkRows));
    }

    /// <summary>
    /// Copies the parameters; to be called whenever their values have changed. The weight itself is read later too and must stay where it is.
    /// </summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="weight">[V, H], W.</param>
    /// <param name="bias">[V], b.</param>
    public void Pack(RowParallel parallel, float* weight, float* bias) => _walker.Pack(parallel, weight, bias);

    /// <summary>Computes the losses of rows, and their gradients.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="hidden">[N, H], h.</param>
    /// <param name="targets">[N], the true tokens.</param>
    /// <param name="losses">[N], receives the negative log-likelihoods in nats, unscaled.</param>
    /// <param name="rows">N.</param>
    /// <param name="gradients">Where the gradients go; null where none are wanted.</param>
    /// <exception cref="ArgumentException">A target is not a token of the vocabulary.</exception>
    public void Forward(RowParallel parallel, float* hidden, int* targets, float* losses, int rows, LikelihoodGradients? gradients)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        for (int row = 0; row < rows; row++)
        {
            if (targets[row] < 0 || targets[row] >= _vocabulary)
            {
                throw new ArgumentException($"Target {targets[row]} is not among the {_vocabulary} tokens.", nameof(targets));
            }
        }

        int chunks = (rows + _chunkRows - 1) / _chunkRows;
        int chunkRows = chunks == 0 ? 0 : ((rows + chunks - 1) / chunks + HiddenRows - 1) / HiddenRows * HiddenRows;
        for (int first = 0; first < rows; first += chunkRows)
        {
            int count = Math.Min(chunkRows, rows - first);
            ForwardChunk(parallel, hidden + ((nint)first * _hidden), targets + first, losses + first, count, gradients, first);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_walker, _partials, _kept, _targetLogits])
        {
            part.Dispose();
        }
    }

    private void ForwardChunk(
        RowParallel parallel, float* hidden, int* targets, float* losses, int rows, LikelihoodGradients? gradients, int firstRow)
    {
        int blocks = VocabularyWalker.Blocks(rows), vectorsOfBlock = ForwardRows * Math.Min(PieceColumns, _vocabulary) * _hidden / Lanes;
        parallel.For(_pieces * blocks, Math.Max(1, (1 << 16) / vectorsOfBlock), (first, end) =>
        {
            for (int task = first; task < end; task++)
            {
                Exponentials(task / blocks, task % blocks * ForwardRows, rows, hidden, targets);
            }
        });

        for (int row = 0; row < rows; row++)
        {
            losses[row] = Merge(row, gradients is { } given ? ScaleOf(given, firstRow + row) : 0f);
        }

        if (gradients is not { } wanted)
        {
            return;
        }

        parallel.For(_pieces, 1, (first, end) =>
        {
            for (int piece = first; piece < end; piece++)
            {
                WeightGradient(piece, rows, hidden, targets, wanted, firstRow);
            }
        });
        int hiddenBlocks = (rows + HiddenRows - 1) / HiddenRows;
        parallel.For(hiddenBlocks, 1, (first, end) =>
        {
            for (int block = first; block < end; block++)
            {
                HiddenGradient(block * HiddenRows, rows, wanted.Hidden + (nint)firstRow * _hidden);
            }
        });
    }

    private static float ScaleOf(LikelihoodGradients gradients, int row) => gradients.Scales == null ? gradients.Scale : gradients.Scales[row];

    // exp(logit - maximum) of a block of rows and a piece, with the maximum and the sum of each row of it.
    private void Exponentials(int piece, int firstRow, int rows, float* hidden, int* targets)
    {
        int firstToken = VocabularyWalker.FirstToken(piece), columns = _walker.Columns(piece), count = Math.Min(ForwardRows, rows - firstRow);
        float* values = Kept(piece, firstRow);
        _walker.Multiply(piece, hidden + ((nint)firstRow * _hidden), count, values);
        for (int row = firstRow; row < firstRow + count; row++, values += PieceColumns)
        {
            float largest = _walker.AddBias(piece, values);
            if (targets[row] >= firstToken && targets[row] < firstToken + PieceColumns)
            {
                _targetLogits.Pointer[row] = values[targets[row] - firstToken];
            }

            _partials.Exponentials(piece, row, values, columns, largest, BinaryLogarithmOfE);
        }
    }

    // The loss of a row, and the factors that turn each piece's exponentials into scaled probabilities.
    private float Merge(int row, float scale)
    {
        float* weights = _partials.Weights;
        (float largest, double sum, _) = _partials.Merge(row, BinaryLogarithmOfE, weights);
        float normaliser = (float)(scale / sum);
        for (int piece = 0; piece < _pieces; piece++)
        {
            weights[_partials.Index(piece, row)] *= normaliser;
        }

        return (float)(Math.Log(sum) + ((double)largest - _targetLogits.Pointer[row]));
    }

    // Turns a piece's exponentials into the gradient of the logits, scale * (softmax - one-hot), and computes those of W and b.
    private void WeightGradient(int piece, int rows, float* hidden, int* targets, LikelihoodGradients gradients, int chunkStart)
    {
        bool accumulate = chunkStart > 0;
        int firstToken = VocabularyWalker.FirstToken(piece), count = _walker.Tokens(piece);
        float* weights = _partials.Weights + _partials.Index(piece, 0);
        for (int firstRow = 0; firstRow < rows; firstRow += WeightDepth, accumulate = true)
        {
            int depth = Math.Min(WeightDepth, rows - firstRow);
            float* values = Kept(piece, firstRow);
            ScaleRows(values, weights + firstRow, gradients.Bias + firstToken, depth, count, accumulate);
            for (int row = 0; row < depth; row++)
            {
                int token = targets[firstRow + row] - firstToken;
                if (token >= 0 && token < count)
                {
                    float scale = ScaleOf(gradients, chunkStart + firstRow + row);
                    values[row * PieceColumns + token] -= scale;
                    gradients.Bias[firstToken + token] -= scale;
                }
            }

            _walker.MultiplyTransposed(piece, values, depth, hidden + ((nint)firstRow * _hidden), _hidden, gradients.Weight, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScaleRows(float* values, float* weights, float* sums, int rows, int columns, bool accumulate)
    {
        for (int column = 0; column < columns; column += Lanes)
        {
            int lanes = Math.Min(Lanes, columns - column);
            Vector512<float> sum = accumulate ? Load(sums + column, lanes) : Vector512<float>.Zero;
            float* value = values + column;
            for (int row = 0; row < rows; row++, value += PieceColumns)
            {
                Vector512<float> scaled = Vector512.Load(value) * Vector512.Create(weights[row]);
                scaled.Store(value);
                sum += scaled;
            }

            Store(sum, sums + column, lanes);
        }
    }

    private void HiddenGradient(int firstRow, int rows, float* gradient)
    {
        int count = Math.Min(HiddenRows, rows - firstRow);
        for (int piece = 0; piece < _pieces; piece++)
        {
            _walker.MultiplyWeight(piece, Kept(piece, firstRow), count, gradient + ((nint)firstRow * _hidden), accumulate: piece > 0);
        }
    }

    private float* Kept(int piece, int row) => _kept.Pointer + (_partials.Index(piece, row) * PieceColumns);
}
