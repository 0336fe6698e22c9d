using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <content>The backward pass.</content>
public sealed unsafe partial class RelaxedVocabulary
{
    // The matrices y and its gradient, 64 x 384 each, fit into the second-level cache; products for the weights' gradients have depth 64.
    private const int BackwardRowsAtOnce = 64;

    // Rows of several steps whose part of W's gradient is made at once. That gradient is as large as W, and each time it is read and written
    // whole: with 32 rows, as one of two ranks has of a batch of 64, this traffic with memory took a quarter of the backward pass.
    private const int WaitingRows = 128;

    private int _waiting;

    /// <summary>The gradients of one step; those of the parameters are added to what is there.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="step">The step, as its forward pass left it.</param>
    /// <param name="gradients">The inputs and results.</param>
    /// <exception cref="ArgumentException">More rows than announced, or a temperature that is not positive.</exception>
    public void Backward(RowParallel parallel, RelaxedStep step, RelaxedGradients gradients)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(step);
        for (int row = 0; row < step.Rows; row++)
        {
            // The product dy . y of a row needs no y: it equals that of the embedded row with its own gradient.
            _centres.Pointer[row] = Product(gradients.GeneratorInput, gradients.GeneratorInputGradient, row, _generator.Width)
                + Product(gradients.DiscriminatorInput, gradients.DiscriminatorInputGradient, row, _discriminator.Width);
        }

        bool throughLogits = gradients.Hidden != null && (gradients.GeneratorInputGradient != null || gradients.DiscriminatorInputGradient != null);
        bool waits = _waitingLogits.Length > 0 && throughLogits && gradients.Weight != null;
        if (waits)
        {
            int length = step.Rows * _hidden;
            new ReadOnlySpan<float>(step.Hidden, length).CopyTo(new Span<float>(_waitingHidden.Pointer + ((nint)_waiting * _hidden), length));
        }

        int waiting = waits ? _waiting + step.Rows : _waiting;
        bool isTime = waiting > 0 && (!gradients.HasMoreToCome || waiting + _maximumRows > WaitingRows);
        parallel.For(_pieces, 1, (first, end) =>
        {
            for (int piece = first; piece < end; piece++)
            {
                BackwardPiece(piece, step, gradients, throughLogits, waits);
                if (isTime)
                {
                    _walker.MultiplyTransposed(
                        piece, WaitingLogits(piece, 0), waiting, _waitingHidden.Pointer, _hidden, gradients.Weight, accumulate: true);
                }
            }
        });

        _waiting = isTime ? 0 : waiting;
        SumHidden(step, gradients, throughLogits);
    }

    private float* WaitingLogits(int piece, int row) => _waitingLogits.Pointer + ((((nint)piece * WaitingRows) + row) * PieceColumns);

    // The gradient of h, summed over the pieces in order.
    private void SumHidden(RelaxedStep step, RelaxedGradients gradients, bool throughLogits)
    {
        int length = gradients.Hidden == null ? 0 : step.Rows * _hidden;
        for (int start = 0; start < length; start += Lanes)
        {
            int count = Math.Min(Lanes, length - start);
            Vector512<float> total = Vector512<float>.Zero;
            for (int piece = 0; throughLogits && piece < _pieces; piece++)
            {
                total += Load(_hiddenSums.Pointer + (_partials.Index(piece, 0) * _hidden) + start, count);
            }

            Store(total, gradients.Hidden + start, count);
        }
    }

    private static float Product(float* values, float* gradient, int row, int width)
    {
        if (gradient == null || width == 0)
        {
            return 0f;
        }

        Vector512<float> sum = Vector512<float>.Zero;
        nint offset = (nint)row * width;
        for (int column = 0; column < width; column += Lanes)
        {
            int count = Math.Min(Lanes, width - column);
            sum = Vector512.FusedMultiplyAdd(Load(values + offset + column, count), Load(gradient + offset + column, count), sum);
        }

        return Sum(sum);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void BackwardPiece(int piece, RelaxedStep step, RelaxedGradients gradients, bool throughLogits, bool waits)
    {
        float* memory = stackalloc float[(((2 * BackwardRowsAtOnce) + 1) * PieceColumns) + Lanes];
        float* noise = Align(memory), y = noise + PieceColumns;
        float* dy = waits ? WaitingLogits(piece, _waiting) : y + (BackwardRowsAtOnce * PieceColumns);
        int columns = _walker.Columns(piece);
        for (int firstRow = 0; firstRow < step.Rows; firstRow += BackwardRowsAtOnce)
        {
            int rows = Math.Min(BackwardRowsAtOnce, step.Rows - firstRow);
            if (step.Kept == null)
            {
                _walker.Multiply(piece, step.Hidden + ((nint)firstRow * _hidden), rows, y);
            }

            if (throughLogits)
            {
                MultiplyGradients(piece, firstRow, rows, gradients, dy);
            }

            for (int row = 0; row < rows; row++)
            {
                float* probabilities = y + (row * PieceColumns);
                MakeProbabilities(probabilities, noise, columns, piece, firstRow + row, step);
                if (throughLogits)
                {
                    BackpropagateSoftmax(probabilities, dy + (row * PieceColumns), columns, _centres.Pointer[firstRow + row], 1f / step.Temperature);
                }
            }

            if (throughLogits)
            {
                BackpropagateLogits(piece, firstRow, rows, dy, step, gradients, waits);
            }

            _generator.AccumulateGradient(
                piece, y, rows, Rows(gradients.GeneratorInputGradient, firstRow, _generator.Width), gradients.GeneratorEmbedding);
            _discriminator.AccumulateGradient(
                piece, y, rows, Rows(gradients.DiscriminatorInputGradient, firstRow, _discriminator.Width), gradients.DiscriminatorEmbedding);
        }
    }

    // A piece of the gradient with respect to y, from those with respect to the embedded rows.
    private void MultiplyGradients(int piece, int firstRow, int rows, RelaxedGradients gradients, float* dy)
    {
        float* generatorGradient = Rows(gradients.GeneratorInputGradient, firstRow, _generator.Width);
        float* discriminatorGradient = Rows(gradients.DiscriminatorInputGradient, firstRow, _discriminator.Width);
        for (int column = 0; column < _walker.Columns(piece); column += VocabularyWalker.Tile)
        {
            _generator.MultiplyGradient(piece, column, generatorGradient, rows, dy, accumulate: false);
            _discriminator.MultiplyGradient(piece, column, discriminatorGradient, rows, dy, accumulate: generatorGradient != null);
        }
    }

    // From a piece of the gradient with respect to the logits to those of h, W and b.
    private void BackpropagateLogits(int piece, int firstRow, int rows, float* gradient, RelaxedStep step, RelaxedGradients gradients, bool waits)
    {
        _walker.MultiplyWeight(piece, gradient, rows, _hiddenSums.Pointer + (_partials.Index(piece, firstRow) * _hidden), accumulate: false);
        if (gradients.Weight != null && !waits)
        {
            float* hidden = step.Hidden + ((nint)firstRow * _hidden);
            _walker.MultiplyTransposed(piece, gradient, rows, hidden, _hidden, gradients.Weight, accumulate: true);
        }

        AccumulateColumnSums(piece, gradient, rows, gradients.Bias);
    }

    // y of one row: from the kept exponentials, or else from the products h W' that y holds.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MakeProbabilities(float* y, float* noise, int columns, int piece, int row, RelaxedStep step)
    {
        if (step.Kept != null)
        {
            float* kept = Kept(step, piece, row);
            Vector512<float> weight = Vector512.Create(Weights(step)[_partials.Index(piece, row)]);
            for (int column = 0; column < columns; column += Lanes)
            {
                (Vector512.Load(kept + column) * weight).Store(y + column);
            }
        }
        else
        {
            _ = AddBiasAndNoise(piece, row, y, noise, step);
            Vector512<float> largest = Vector512.Create(step.Maxima[row]), rate = Vector512.Create(BinaryLogarithmOfE / step.Temperature);
            Vector512<float> scale = Vector512.Create(1f / step.Sums[row]);
            for (int column = 0; column < columns; column += Lanes)
            {
                (PowerOfTwo((Vector512.Load(y + column) - largest) * rate) * scale).Store(y + column);
            }
        }
    }

    // From the gradient with respect to y to that with respect to the logits.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackpropagateSoftmax(float* y, float* dy, int columns, float centre, float inverseTemperature)
    {
        Vector512<float> mean = Vector512.Create(centre), scale = Vector512.Create(inverseTemperature);
        for (int column = 0; column < columns; column += Lanes)
        {
            (Vector512.Load(y + column) * (Vector512.Load(dy + column) - mean) * scale).Store(dy + column);
        }
    }

    private void AccumulateColumnSums(int piece, float* values, int rows, float* bias)
    {
        if (bias == null)
        {
            return;
        }

        float* destination = bias + VocabularyWalker.FirstToken(piece);
        int count = _walker.Tokens(piece);
        for (int column = 0; column < count; column += Lanes)
        {
            int lanes = Math.Min(Lanes, count - column);
            Vector512<float> sum = Load(destination + column, lanes);
            for (int row = 0; row < rows; row++)
            {
                sum += Vector512.Load(values + (row * PieceColumns) + column);
            }

            Store(sum, destination + column, lanes);
        }
    }

    private static float* Rows(float* matrix, int firstRow, int width) => matrix == null ? null : matrix + ((nint)firstRow * width);
}
