using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// From hidden states to relaxed token embeddings without a matrix of relaxed tokens. y = softmax((h W' + b + g) / temperature) is computed a piece
/// of the vocabulary at a time, multiplied by up to two embedding matrices while it is in cache, and discarded. The backward pass computes each piece
/// again from the counter-based noise g, or reads it from memory that the caller has provided. Without that memory nothing of size [N, V] ever
/// exists.
/// </summary>
/// <remarks>
/// <para>N rows (batch), V vocabulary, H hidden, E the generator's embedding width, F the discriminator's. The computation is that of attention with
/// noise; the running maximum and sum of the pieces are merged as in Milakov and Gimelshein 2018 and FlashAttention (Dao et al. 2022).</para>
/// <para>Pieces, blocks and the order of sums depend on the sizes alone: results do not depend on the number of threads.</para>
/// </remarks>
public sealed unsafe partial class RelaxedVocabulary : IDisposable
{
    private const int PieceColumns = VocabularyWalker.PieceColumns, ForwardRows = VocabularyWalker.BlockRows;
    private readonly int _hidden, _maximumRows, _pieces;
    private readonly VocabularyWalker _walker;
    private readonly SoftmaxPartials _partials;
    private readonly Embedding _generator, _discriminator;
    // [pieces, N, H], each piece's part of the gradient of h; and [N], the product of each row with its gradient, dy . y.
    private readonly NativeBuffer _hiddenSums, _centres;
    // [pieces, WaitingRows, 384] and [WaitingRows, H]: gradients of logits, and h, of which W's gradient is still to be made; empty where the
    // rows of two steps are too many.
    private readonly NativeBuffer _waitingLogits, _waitingHidden;
    // [pieces, N]: the column of each piece's largest value.
    private readonly int[] _tokens;
    private bool _disposed;

    /// <summary>Allocates the memory, once for all steps.</summary>
    /// <param name="vocabulary">V.</param>
    /// <param name="hidden">H.</param>
    /// <param name="generatorWidth">E; 0 where the generator is not fed the relaxed token.</param>
    /// <param name="discriminatorWidth">F; 0 where no discriminator reads it.</param>
    /// <param name="maximumRows">The largest N that will be used.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, or a width negative.</exception>
    public RelaxedVocabulary(int vocabulary, int hidden, int generatorWidth, int discriminatorWidth, int maximumRows)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(generatorWidth);
        ArgumentOutOfRangeException.ThrowIfNegative(discriminatorWidth);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumRows);
        _walker = new VocabularyWalker(vocabulary, hidden);
        (_hidden, _maximumRows, _pieces) = (hidden, maximumRows, _walker.Pieces);
        _partials = new SoftmaxPartials(_pieces, maximumRows);
        (_generator, _discriminator) = (new(this, vocabulary, generatorWidth), new(this, vocabulary, discriminatorWidth));
        (_hiddenSums, _centres) = (new((nint)_pieces * maximumRows * hidden), new(maximumRows));
        _tokens = new int[_pieces * maximumRows];
        int waiting = 2 * maximumRows <= WaitingRows ? WaitingRows : 0;
        (_waitingLogits, _waitingHidden) = (new((nint)_pieces * waiting * PieceColumns), new((nint)waiting * hidden));
    }

    /// <summary>The number of floats of <see cref="RelaxedStep.Kept"/>, whose address must be a multiple of 64 bytes.</summary>
    public nint KeptLength => (nint)_pieces * _maximumRows * (PieceColumns + 1);

    /// <summary>
    /// Copies the generator's parameters into the layout of the products; to be called whenever their values have changed. The matrices themselves
    /// are read later too and must stay where they are.
    /// </summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="weight">[V, H], W.</param>
    /// <param name="bias">[V], b; or null for zeros.</param>
    /// <param name="embedding">[V, E]; null where E is 0.</param>
    public void PackGenerator(RowParallel parallel, float* weight, float* bias, float* embedding)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _walker.Pack(parallel, weight, bias);
        _generator.Pack(parallel, embedding);
        _waiting = 0;
    }

    /// <summary>The same for the discriminator's embedding.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="embedding">[V, F].</param>
    public void PackDiscriminator(RowParallel parallel, float* embedding)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        ObjectDisposedException.ThrowIf(_disposed, this);
        _discriminator.Pack(parallel, embedding);
    }

    /// <summary>Computes the relaxed embeddings of one step.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="step">The step; its maxima, sums and kept rows are written.</param>
    /// <param name="generatorInput">[N, E], receives y times the generator's embedding; null where not wanted.</param>
    /// <param name="discriminatorInput">[N, F], receives y times the discriminator's embedding; null where not wanted.</param>
    /// <param name="tokens">[N], receives the column of the largest y; null where not wanted.</param>
    /// <exception cref="ArgumentException">More rows than announced, or a temperature that is not positive.</exception>
    public void Forward(RowParallel parallel, RelaxedStep step, float* generatorInput, float* discriminatorInput, int* tokens)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(step);
        int blocks = VocabularyWalker.Blocks(step.Rows);
        parallel.For(_pieces * blocks, 1, (first, end) =>
        {
            for (int task = first; task < end; task++)
            {
                ForwardPiece(task / blocks, task % blocks * ForwardRows, step, generatorInput != null, discriminatorInput != null);
            }
        });

        for (int row = 0; row < step.Rows; row++)
        {
            Merge(row, step, tokens);
            _generator.Combine(row, Weights(step), generatorInput);
            _discriminator.Combine(row, Weights(step), discriminatorInput);
        }
    }

    /// <summary>
    /// Computes the discriminator's input of an earlier step again, after the discriminator's embedding has changed and been packed.
    /// </summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="step">The step, as its forward pass left it.</param>
    /// <param name="discriminatorInput">[N, F], receives y times the discriminator's embedding.</param>
    /// <exception cref="ArgumentException">More rows than announced, or a temperature that is not positive.</exception>
    public void EmbedAgain(RowParallel parallel, RelaxedStep step, float* discriminatorInput)
    {
        if (step.Kept == null)
        {
            Forward(parallel, step, null, discriminatorInput, null);
            return;
        }

        ArgumentNullException.ThrowIfNull(parallel);
        Check(step);
        int blocks = VocabularyWalker.Blocks(step.Rows);
        parallel.For(_pieces * blocks, 1, (first, end) =>
        {
            for (int task = first; task < end; task++)
            {
                int piece = task / blocks, firstRow = task % blocks * ForwardRows;
                _discriminator.Embed(piece, firstRow, Math.Min(ForwardRows, step.Rows - firstRow), Kept(step, piece, firstRow));
            }
        });
        for (int row = 0; row < step.Rows; row++)
        {
            _discriminator.Combine(row, Weights(step), discriminatorInput);
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (IDisposable? part in (IDisposable?[])[_walker, _partials, _generator, _discriminator, _hiddenSums, _centres,
            _waitingLogits, _waitingHidden, _rowGradients, _rowLogits])
        {
            part?.Dispose();
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ForwardPiece(int piece, int firstRow, RelaxedStep step, bool generator, bool discriminator)
    {
        float* memory = stackalloc float[((ForwardRows + 1) * PieceColumns) + Lanes];
        float* noise = Align(memory), y = step.Kept == null ? noise + PieceColumns : Kept(step, piece, firstRow);
        int rows = Math.Min(ForwardRows, step.Rows - firstRow), columns = _walker.Columns(piece);
        _walker.Multiply(piece, step.Hidden + ((nint)firstRow * _hidden), rows, y);
        for (int row = 0; row < rows; row++)
        {
            float* values = y + (row * PieceColumns);
            float largest = AddBiasAndNoise(piece, firstRow + row, values, noise, step);
            _tokens[_partials.Index(piece, firstRow + row)] = VocabularyWalker.FirstToken(piece) + SoftmaxKernel.IndexOf(values, columns, largest);
            _partials.Exponentials(piece, firstRow + row, values, columns, largest, BinaryLogarithmOfE / step.Temperature);
        }

        if (generator)
        {
            _generator.Embed(piece, firstRow, rows, y);
        }

        if (discriminator)
        {
            _discriminator.Embed(piece, firstRow, rows, y);
        }
    }

    private float AddBiasAndNoise(int piece, int row, float* values, float* noise, RelaxedStep step) =>
        step.Key is { } key
            ? _walker.AddBiasAndNoise(piece, values, noise, key, step.NoiseRow(row))
            : _walker.AddBias(piece, values);

    // Computes the row's maximum, sum and token, and the factors that turn each piece's exponentials into y.
    private void Merge(int row, RelaxedStep step, int* tokens)
    {
        float* weights = Weights(step);
        (float largest, double sum, int first) = _partials.Merge(row, BinaryLogarithmOfE / step.Temperature, weights);
        for (int piece = 0; piece < _pieces; piece++)
        {
            weights[_partials.Index(piece, row)] /= (float)sum;
        }

        (step.Maxima[row], step.Sums[row]) = (largest, (float)sum);
        if (tokens != null)
        {
            tokens[row] = _tokens[_partials.Index(first, row)];
        }
    }

    // The kept memory holds the rows [pieces, N, 384], then the weights [pieces, N].
    private float* Weights(RelaxedStep step) => step.Kept == null ? _partials.Weights : step.Kept + ((nint)_pieces * _maximumRows * PieceColumns);

    private float* Kept(RelaxedStep step, int piece, int row) => step.Kept + (_partials.Index(piece, row) * PieceColumns);

    private static float* Align(float* memory) => (float*)(((nint)memory + 63) & ~(nint)63);

    private void Check(RelaxedStep step)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (step.Rows < 1 || step.Rows > _maximumRows || !(step.Temperature > 0f) || float.IsInfinity(step.Temperature))
        {
            throw new ArgumentException(
                $"{step.Rows} rows at temperature {step.Temperature}: up to {_maximumRows} rows and a positive temperature are provided for.");
        }
    }

    /// <summary>One of the two embedding matrices, [V, width], and each piece's part of the embedded rows.</summary>
    private sealed class Embedding(RelaxedVocabulary owner, int vocabulary, int width) : IDisposable
    {
        private readonly PackedMatrix? _packed = width > 0 ? new PackedMatrix(width, vocabulary) : null;
        // [pieces, N, width], unnormalised.
        private readonly NativeBuffer _sums = new((nint)owner._pieces * owner._maximumRows * width);
        private float* _matrix;

        public int Width => width;

        public void Pack(RowParallel parallel, float* matrix)
        {
            _matrix = matrix;
            _packed?.PackTransposed(parallel, matrix);
        }

        // The piece's part of y times the embedding, for a block of rows.
        public void Embed(int piece, int firstRow, int rows, float* y) =>
            owner._walker.MultiplyRows(
                piece, y, rows, _matrix, width, _sums.Pointer + (owner._partials.Index(piece, firstRow) * width), accumulate: false);

        // An embedded row, from the parts of its pieces.
        public void Combine(int row, float* weights, float* destination)
        {
            float* sums = _sums.Pointer;
            for (int column = 0; column < width && destination != null; column += Lanes)
            {
                int count = Math.Min(Lanes, width - column);
                Vector512<float> total = Vector512<float>.Zero;
                for (int piece = 0; piece < owner._pieces; piece++)
                {
                    nint partial = owner._partials.Index(piece, row);
                    total = Vector512.FusedMultiplyAdd(Load(sums + (partial * width) + column, count), Vector512.Create(weights[partial]), total);
                }

                Store(total, destination + ((nint)row * width) + column, count);
            }
        }

        // 64 columns of the gradient with respect to y, from that with respect to the embedded rows.
        public void MultiplyGradient(int piece, int column, float* gradient, int rows, float* dy, bool accumulate)
        {
            if (gradient != null && _packed != null)
            {
                VocabularyWalker.MultiplyTile(piece, column, _packed, gradient, width, rows, dy, accumulate);
            }
        }

        // The piece's part of the embedding's own gradient.
        public void AccumulateGradient(int piece, float* y, int rows, float* gradient, float* destination)
        {
            if (gradient != null && destination != null)
            {
                owner._walker.MultiplyTransposed(piece, y, rows, gradient, width, destination, accumulate: true);
            }
        }

        public void Dispose()
        {
            _packed?.Dispose();
            _sums.Dispose();
        }
    }
}
