using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>Where the gradients of <see cref="VocabularyLikelihood"/> go; all are overwritten.</summary>
public unsafe struct LikelihoodGradients
{
    /// <summary>Gets or sets what every row's loss is multiplied by in the objective, where <see cref="Scales"/> is null.</summary>
    public float Scale { get; set; }

    /// <summary>Gets or sets [N]: what each row's loss is multiplied by; of either sign.</summary>
    public float* Scales { get; set; }

    /// <summary>Gets or sets [N, H].</summary>
    public float* Hidden { get; set; }

    /// <summary>Gets or sets [V, H].</summary>
    public float* Weight { get; set; }

    /// <summary>Gets or sets [V].</summary>
    public float* Bias { get; set; }
}

/// <summary>
/// From hidden states to the cross-entropy of their target tokens, -log softmax(h W' + b)[target] in nats, and its gradients, a piece of the
/// vocabulary and a few hundred rows at a time: no [N, V] matrix of logits ever exists.
/// </summary>
/// <remarks>
/// N rows (tokens to predict), V vocabulary, H hidden. The exponentials of a few hundred rows stay in the outer cache between the passes, each
/// piece relative to its own maximum, and become the gradient there. Pieces own their rows of W's gradient and blocks of rows their rows of h's;
/// all cuts depend on the sizes alone: the numbers do not change with the threads.
/// </remarks>
public sealed unsafe class VocabularyLikelihood : IDisposable
{
    // As in RelaxedVocabulary: a block of 24 x 384 logits stays in a 48 KB first-level cache.
    private const int PieceColumns = 384, ForwardRows = 24;
    // Rows of h's gradient that are worth reading all of W for, and the depth of the products for W's gradient.
    private const int HiddenRows = 48, WeightDepth = 64;
    // Exponentials kept between the passes: 8 MB, a part of the outer cache.
    private const int KeptFloats = 1 << 21;
    private const int Tile = 64;

    private readonly int _vocabulary, _hidden, _pieces, _chunkRows;
    private readonly PackedMatrix _packed;
    private readonly NativeBuffer _bias, _kept, _maxima, _sums, _weights, _targetLogits;
    private float* _weight;

    /// <summary>Sets the memory aside.</summary>
    /// <param name="vocabulary">V.</param>
    /// <param name="hidden">H.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public VocabularyLikelihood(int vocabulary, int hidden)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabulary);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hidden);
        (_vocabulary, _hidden) = (vocabulary, hidden);
        _pieces = (vocabulary + PieceColumns - 1) / PieceColumns;
        _chunkRows = Math.Clamp(KeptFloats / (_pieces * PieceColumns) / HiddenRows, 1, 64) * HiddenRows;
        nint partials = (nint)_pieces * _chunkRows;
        _packed = new PackedMatrix(hidden, vocabulary);
        (_bias, _kept) = (new((nint)_pieces * PieceColumns), new(partials * PieceColumns));
        (_maxima, _sums, _weights, _targetLogits) = (new(partials), new(partials), new(partials), new(_chunkRows));
        new Span<float>(_bias.Pointer, _pieces * PieceColumns).Fill(float.NegativeInfinity);
    }

    /// <summary>Takes the parameters, whenever their values have changed; the weight is read later too and must stay where it is.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="weight">[V, H], W.</param>
    /// <param name="bias">[V], b.</param>
    public void Pack(RowParallel parallel, float* weight, float* bias)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        _weight = weight;
        _packed.PackTransposed(parallel, weight);
        new ReadOnlySpan<float>(bias, _vocabulary).CopyTo(new Span<float>(_bias.Pointer, _vocabulary));
    }

    /// <summary>The losses of rows.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="hidden">[N, H], h.</param>
    /// <param name="targets">[N], the true tokens.</param>
    /// <param name="losses">[N], receives the negative log-likelihoods in nats, unscaled.</param>
    /// <param name="rows">N.</param>
    /// <param name="gradients">Where the gradients go; null where none are wanted.</param>
    /// <exception cref="ArgumentException">A target is no token.</exception>
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
            ForwardChunk(parallel, hidden + (nint)first * _hidden, targets + first, losses + first, Math.Min(chunkRows, rows - first), gradients, first);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_packed, _bias, _kept, _maxima, _sums, _weights, _targetLogits])
        {
            part.Dispose();
        }
    }

    private void ForwardChunk(RowParallel parallel, float* hidden, int* targets, float* losses, int rows, LikelihoodGradients? gradients, int firstRow)
    {
        int blocks = (rows + ForwardRows - 1) / ForwardRows;
        parallel.For(_pieces * blocks, Math.Max(1, (1 << 16) / (ForwardRows * Math.Min(PieceColumns, _vocabulary) * _hidden / 16)), (first, end) =>
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
        int firstToken = piece * PieceColumns, count = Math.Min(ForwardRows, rows - firstRow);
        int columns = (Math.Min(PieceColumns, _vocabulary - firstToken) + Tile - 1) / Tile * Tile;
        float* values = Kept(piece, firstRow);
        for (int column = 0; column < columns; column += Tile)
        {
            MatrixKernel.Multiply(hidden + (nint)firstRow * _hidden, _hidden, 1, _packed.PanelStart((firstToken + column) / Tile), Tile,
                values + column, PieceColumns, count, Tile, _hidden, accumulate: false);
        }

        for (int row = firstRow; row < firstRow + count; row++, values += PieceColumns)
        {
            float largest = RelaxedVocabulary.AddBiasAndNoise(values, _bias.Pointer + firstToken, null, columns, firstToken, null, 0);
            if (targets[row] >= firstToken && targets[row] < firstToken + PieceColumns)
            {
                _targetLogits.Pointer[row] = values[targets[row] - firstToken];
            }

            // A piece of nothing but forbidden tokens must give zeros, not the NaN of infinity minus infinity.
            float shift = largest > float.NegativeInfinity ? largest : 0f;
            _maxima.Pointer[piece * _chunkRows + row] = largest;
            _sums.Pointer[piece * _chunkRows + row] = GumbelSoftmaxKernel.Exponentials(values, values, columns, shift, BinaryLogarithmOfE);
        }
    }

    // The loss of a row from the maxima and sums of its pieces, and by what to multiply each piece's exponentials to get scaled probabilities.
    private float Merge(int row, float scale)
    {
        float* maxima = _maxima.Pointer + row, sums = _sums.Pointer + row, weights = _weights.Pointer + row;
        float largest = float.NegativeInfinity;
        for (int piece = 0; piece < _pieces; piece++)
        {
            largest = MathF.Max(largest, maxima[piece * _chunkRows]);
        }

        double sum = 0;
        for (int piece = 0; piece < _pieces; piece++)
        {
            float weight = PowerOfTwo(Vector512.Create((maxima[piece * _chunkRows] - largest) * BinaryLogarithmOfE))[0];
            weights[piece * _chunkRows] = weight;
            sum += sums[piece * _chunkRows] * (double)weight;
        }

        float normaliser = (float)(scale / sum);
        for (int piece = 0; piece < _pieces; piece++)
        {
            weights[piece * _chunkRows] *= normaliser;
        }

        return (float)(Math.Log(sum) + ((double)largest - _targetLogits.Pointer[row]));
    }

    // Turns a piece's exponentials into the gradient of the logits, scale * (softmax - one-hot), and adds up what W and b get from it.
    private void WeightGradient(int piece, int rows, float* hidden, int* targets, LikelihoodGradients gradients, int chunkStart)
    {
        bool accumulate = chunkStart > 0;
        int firstToken = piece * PieceColumns, count = Math.Min(PieceColumns, _vocabulary - firstToken);
        float* weights = _weights.Pointer + (nint)piece * _chunkRows;
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

            MatrixKernel.MultiplyTransposed(values, PieceColumns, hidden + (nint)firstRow * _hidden, _hidden, gradients.Weight + (nint)firstToken * _hidden, _hidden,
                count, _hidden, depth, accumulate);
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
            int firstToken = piece * PieceColumns;
            MatrixKernel.Multiply(Kept(piece, firstRow), PieceColumns, 1, _weight + (nint)firstToken * _hidden, _hidden, gradient + (nint)firstRow * _hidden, _hidden,
                count, _hidden, Math.Min(PieceColumns, _vocabulary - firstToken), accumulate: piece > 0);
        }
    }

    private float* Kept(int piece, int row) => _kept.Pointer + ((nint)piece * _chunkRows + row) * PieceColumns;
}
