using System.Buffers;
using System.Runtime.CompilerServices;
using GumbelGan.Randomness;

namespace GumbelGan.Kernels;

/// <content>
/// Hard samples whose backward pass needs whole rows. The forward pass gives the tokens alone. The backward pass computes the gradient with respect
/// to a step's samples [N, V], a <see cref="RowGradient"/> turns it into that of the logits, and the rest is as in the other backward pass.
/// </content>
public sealed unsafe partial class RelaxedVocabulary
{
    // [pieces, N, 384] each, laid out as kept rows: the gradient of the samples, then of the logits; and the logits, where they were not kept.
    private NativeBuffer? _rowGradients, _rowLogits;

    /// <summary>Draws the tokens of one step, the columns of the largest logit plus noise. The kept rows are the logits here.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="step">The step; its kept rows are written.</param>
    /// <param name="tokens">[N], receives the tokens.</param>
    /// <exception cref="ArgumentException">More rows than announced, or a temperature that is not positive.</exception>
    public void ForwardHard(RowParallel parallel, RelaxedStep step, int* tokens)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        Check(step);
        int blocks = VocabularyWalker.Blocks(step.Rows);
        parallel.For(_pieces * blocks, 1, (first, end) =>
        {
            for (int task = first; task < end; task++)
            {
                ForwardHardPiece(task / blocks, task % blocks * ForwardRows, step);
            }
        });
        for (int row = 0; row < step.Rows; row++)
        {
            tokens[row] = _tokens[_partials.Index(_partials.Largest(row).Piece, row)];
        }
    }

    /// <summary>The gradients of one step of <see cref="ForwardHard"/>; those of the parameters are added to what is there.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="step">The step, as its forward pass left it.</param>
    /// <param name="gradients">The inputs and results; the embedded rows and the embeddings' gradients are not used.</param>
    /// <param name="rowGradient">The backward pass of one row.</param>
    /// <param name="tokens">[N], what <see cref="ForwardHard"/> drew.</param>
    /// <param name="further">Keys the further draws of <paramref name="rowGradient"/>.</param>
    /// <exception cref="ArgumentException">More rows than announced, or a temperature that is not positive.</exception>
    public void BackwardRows(RowParallel parallel, RelaxedStep step, RelaxedGradients gradients, RowGradient rowGradient, int* tokens,
        RandomKey further)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        ArgumentNullException.ThrowIfNull(rowGradient);
        Check(step);
        _rowGradients ??= new NativeBuffer(KeptLength);
        _rowLogits ??= step.Kept == null ? new NativeBuffer(KeptLength) : null;
        float* logits = step.Kept == null ? _rowLogits!.Pointer : step.Kept;
        parallel.For(_pieces, 1, (first, end) =>
        {
            for (int piece = first; piece < end; piece++)
            {
                SampleGradients(piece, step, gradients, logits);
            }
        });
        parallel.For(step.Rows, 1, (first, end) => BackpropagateRows(first, end, step, rowGradient, logits, tokens, further));
        parallel.For(_pieces, 1, (first, end) =>
        {
            for (int piece = first; piece < end; piece++)
            {
                for (int row = 0; row < step.Rows; row += BackwardRowsAtOnce)
                {
                    int rows = Math.Min(BackwardRowsAtOnce, step.Rows - row);
                    BackpropagateLogits(piece, row, rows, Row(_rowGradients.Pointer, piece, row), step, gradients, waits: false);
                }
            }
        });
        SumHidden(step, gradients, throughLogits: true);
    }

    [SkipLocalsInit]
    private void ForwardHardPiece(int piece, int firstRow, RelaxedStep step)
    {
        float* memory = stackalloc float[((ForwardRows + 2) * PieceColumns) + VectorFunctions.Lanes];
        float* noise = Align(memory), perturbed = noise + PieceColumns;
        float* logits = step.Kept == null ? perturbed + PieceColumns : Kept(step, piece, firstRow);
        int rows = Math.Min(ForwardRows, step.Rows - firstRow), columns = _walker.Columns(piece);
        _walker.Multiply(piece, step.Hidden + ((nint)firstRow * _hidden), rows, logits);
        for (int row = 0; row < rows; row++)
        {
            float* values = logits + (row * PieceColumns);
            new ReadOnlySpan<float>(values, columns).CopyTo(new Span<float>(perturbed, columns));
            _ = _walker.AddBias(piece, values);
            float largest = AddBiasAndNoise(piece, firstRow + row, perturbed, noise, step);
            _tokens[_partials.Index(piece, firstRow + row)] =
                VocabularyWalker.FirstToken(piece) + SoftmaxKernel.IndexOf(perturbed, columns, largest);
            _partials.SetLargest(piece, firstRow + row, largest);
        }
    }

    // A piece of the samples' gradient, and of the logits where they were not kept.
    private void SampleGradients(int piece, RelaxedStep step, RelaxedGradients gradients, float* logits)
    {
        for (int firstRow = 0; firstRow < step.Rows; firstRow += BackwardRowsAtOnce)
        {
            int rows = Math.Min(BackwardRowsAtOnce, step.Rows - firstRow);
            MultiplyGradients(piece, firstRow, rows, gradients, Row(_rowGradients!.Pointer, piece, firstRow));
            if (step.Kept == null)
            {
                float* values = Row(logits, piece, firstRow);
                _walker.Multiply(piece, step.Hidden + ((nint)firstRow * _hidden), rows, values);
                for (int row = 0; row < rows; row++)
                {
                    _ = _walker.AddBias(piece, values + (row * PieceColumns));
                }
            }
        }
    }

    // Joins the pieces of each row, calls the function, and splits its result into pieces.
    private void BackpropagateRows(int first, int end, RelaxedStep step, RowGradient rowGradient, float* logits, int* tokens, RandomKey further)
    {
        int columns = VocabularyWalker.FirstToken(_pieces - 1) + _walker.Columns(_pieces - 1);
        float[] memory = ArrayPool<float>.Shared.Rent((3 + RelaxedRow.ScratchRows) * columns);
        Span<float> rowLogits = memory.AsSpan(0, columns), sample = memory.AsSpan(columns, columns), result = memory.AsSpan(2 * columns, columns);
        for (int row = first; row < end; row++)
        {
            for (int piece = 0; piece < _pieces; piece++)
            {
                Part(logits, piece, row).CopyTo(rowLogits[VocabularyWalker.FirstToken(piece)..]);
                Part(_rowGradients!.Pointer, piece, row).CopyTo(sample[VocabularyWalker.FirstToken(piece)..]);
            }

            sample[(VocabularyWalker.FirstToken(_pieces - 1) + _walker.Tokens(_pieces - 1))..].Clear();
            result.Clear();
            rowGradient(new RelaxedRow(memory.AsSpan(3 * columns, RelaxedRow.ScratchRows * columns))
            {
                Logits = rowLogits,
                SampleGradient = sample,
                LogitGradient = result,
                Token = tokens[row],
                Temperature = step.Temperature,
                Key = further,
                Number = step.NoiseRow(row),
            });
            for (int piece = 0; piece < _pieces; piece++)
            {
                result.Slice(VocabularyWalker.FirstToken(piece), _walker.Columns(piece)).CopyTo(Part(_rowGradients!.Pointer, piece, row));
            }
        }

        ArrayPool<float>.Shared.Return(memory);
    }

    private Span<float> Part(float* rows, int piece, int row) => new(Row(rows, piece, row), _walker.Columns(piece));

    private float* Row(float* rows, int piece, int row) => rows + (_partials.Index(piece, row) * PieceColumns);
}
