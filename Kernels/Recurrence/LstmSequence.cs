using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// One LSTM layer over a batch of sequences, step by step. The forward pass keeps what the backward pass needs in memory that is allocated once, and
/// the gradients of the weights are computed for all steps together.
/// </summary>
/// <remarks>
/// B batch, T time, E input width, H hidden. Weights are PyTorch's: W_ih [4H, E], W_hh [4H, H], gates in the order input, forget, candidate,
/// output. Time is the first dimension of every buffer, so that a step is contiguous.
/// </remarks>
public sealed unsafe class LstmSequence : IDisposable
{
    // The weights' gradients are computed in blocks of 64 rows, summed over 128 rows of the batch at a time; 16 sequences or more go to one thread.
    private const int GradientRows = 64, GradientDepth = 128, SequencesWorthSharing = 16;
    private readonly RowParallel _parallel;
    private readonly int _input, _hidden;
    private readonly PackedMatrix _forwardInput, _forwardHidden, _backwardInput, _backwardHidden;
    private readonly NativeBuffer _inputs, _hiddens, _cells, _gates, _bias, _hiddenGradient, _cellGradient, _passedHidden, _passedCell;

    /// <summary>Allocates the memory.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="batch">B, the largest that will be used.</param>
    /// <param name="time">T, the largest that will be used.</param>
    /// <param name="input">E.</param>
    /// <param name="hidden">H.</param>
    public LstmSequence(RowParallel parallel, int batch, int time, int input, int hidden)
    {
        (_parallel, Batch, _input, _hidden) = (parallel, batch, input, hidden);
        nint rows = (nint)batch * time, state = (nint)batch * hidden;
        (_inputs, _hiddens, _cells, _gates) = (new(rows * input), new((rows + batch) * hidden), new((rows + batch) * hidden), new(rows * 4 * hidden));
        (_bias, _hiddenGradient, _cellGradient) = (new(4 * hidden), new(state), new(state));
        (_passedHidden, _passedCell) = (new(state), new(state));
        (_forwardInput, _forwardHidden) = (new(input, 4 * hidden), new(hidden, 4 * hidden));
        (_backwardInput, _backwardHidden) = (new(4 * hidden, input), new(4 * hidden, hidden));
    }

    /// <summary>B.</summary>
    public int Batch { get; set; }

    /// <summary>
    /// [B, H]: the gradient with respect to the hidden state that step t wrote. The caller adds to it before <see cref="Backward"/> of step t.
    /// </summary>
    public float* HiddenGradient => _hiddenGradient.Pointer;

    /// <summary>[B, E]: the input of step <paramref name="t"/>.</summary>
    public float* Input(int t) => _inputs.Pointer + ((nint)t * Batch * _input);

    /// <summary>[B, H]: the hidden state before step <paramref name="t"/>; step t writes that of t + 1.</summary>
    public float* Hidden(int t) => _hiddens.Pointer + ((nint)t * Batch * _hidden);

    /// <summary>[B, H]: the cell state before step <paramref name="t"/>.</summary>
    public float* Cell(int t) => _cells.Pointer + ((nint)t * Batch * _hidden);

    /// <summary>[B, 4H]: after the backward pass, the gradient with respect to the pre-activations of step <paramref name="t"/>.</summary>
    public float* GateGradient(int t) => _gates.Pointer + ((nint)t * Batch * 4 * _hidden);

    /// <summary>Copies the weights; to be called whenever they have changed.</summary>
    public void Pack(float* inputWeight, float* hiddenWeight, float* inputBias, float* hiddenBias)
    {
        _forwardInput.PackTransposed(_parallel, inputWeight);
        _forwardHidden.PackTransposed(_parallel, hiddenWeight);
        _backwardInput.Pack(_parallel, inputWeight);
        _backwardHidden.Pack(_parallel, hiddenWeight);
        for (int i = 0; i < 4 * _hidden; i++)
        {
            _bias.Pointer[i] = inputBias[i] + hiddenBias[i];
        }
    }

    /// <summary>Sets the states before step 0 to zero.</summary>
    public void ClearStates()
    {
        new Span<float>(Hidden(0), Batch * _hidden).Clear();
        new Span<float>(Cell(0), Batch * _hidden).Clear();
    }

    /// <summary>Makes one step. Rows whose <paramref name="reading"/> is zero keep their states.</summary>
    /// <param name="t">The step; its input and the states before it are in place.</param>
    /// <param name="reading">[B], or null where every row reads.</param>
    public void Forward(int t, byte* reading = null)
    {
        _forwardInput.Multiply(_parallel, Input(t), Batch, GateGradient(t), accumulate: false);
        ForwardFromInputs(t, reading);
    }

    /// <summary>
    /// Makes steps 0 to <paramref name="steps"/> - 1. Their inputs are all in place, so that one large product multiplies them by W_ih.
    /// </summary>
    /// <param name="steps">T or fewer.</param>
    /// <param name="reading">[T, B], or null where every row reads everywhere.</param>
    public void ForwardAll(int steps, byte* reading = null)
    {
        _forwardInput.Multiply(_parallel, Input(0), steps * Batch, GateGradient(0), accumulate: false);
        if (!HasSequencesAlone)
        {
            for (int t = 0; t < steps; t++)
            {
                ForwardFromInputs(t, reading == null ? null : reading + (nint)t * Batch);
            }

            return;
        }

        _parallel.For(Batch, SequencesWorthSharing, (first, end) =>
        {
            for (int t = 0; t < steps; t++)
            {
                nint row = first;
                _forwardHidden.Multiply(Hidden(t) + row * _hidden, end - first, GateGradient(t) + row * 4 * _hidden, accumulate: true);
                for (; row < end; row++)
                {
                    LstmCellKernel.ForwardRow(GateGradient(t) + row * 4 * _hidden, _bias.Pointer, Cell(t) + row * _hidden,
                        Cell(t + 1) + row * _hidden, Hidden(t + 1) + row * _hidden, _hidden);
                }

                KeepStates(t, reading == null ? null : reading + (nint)t * Batch, first, end);
            }
        });
    }

    /// <summary>Sets the gradients after the last step to zero.</summary>
    public void ClearGradients()
    {
        Matrix(_hiddenGradient).Clear();
        Matrix(_cellGradient).Clear();
    }

    /// <summary>
    /// The gradient of one step; the last step comes first. It turns <see cref="HiddenGradient"/> from that of the state that the step wrote into
    /// that of the state that it read.
    /// </summary>
    /// <param name="t">The step.</param>
    /// <param name="reading">As in the forward pass.</param>
    /// <param name="inputGradient">[B, E], overwritten; or null where not wanted.</param>
    public void Backward(int t, byte* reading, float* inputGradient)
    {
        float* gates = GateGradient(t);
        if (reading != null)
        {
            Matrix(_hiddenGradient).CopyTo(Matrix(_passedHidden));
            Matrix(_cellGradient).CopyTo(Matrix(_passedCell));
        }

        LstmCellKernel.Backward(_parallel, gates, Cell(t), Cell(t + 1), _hiddenGradient.Pointer, _cellGradient.Pointer, gates, Batch, _hidden);
        for (int row = 0; reading != null && row < Batch; row++)
        {
            if (reading[row] == 0)
            {
                new Span<float>(gates + ((nint)row * 4 * _hidden), 4 * _hidden).Clear();
            }
        }

        _backwardHidden.Multiply(_parallel, gates, Batch, _hiddenGradient.Pointer, accumulate: false);
        // A row that did not read passes both gradients on unchanged.
        for (int row = 0; reading != null && row < Batch; row++)
        {
            if (reading[row] == 0)
            {
                Row(_passedHidden.Pointer, row).CopyTo(Row(_hiddenGradient.Pointer, row));
                Row(_passedCell.Pointer, row).CopyTo(Row(_cellGradient.Pointer, row));
            }
        }

        if (inputGradient != null)
        {
            _backwardInput.Multiply(_parallel, gates, Batch, inputGradient, accumulate: false);
        }
    }

    /// <summary>The gradients of steps <paramref name="steps"/> - 1 down to 0.</summary>
    /// <param name="steps">As in <see cref="ForwardAll"/>.</param>
    /// <param name="hiddenGradients">
    /// [T, B, H], of the hidden state that each step wrote; null where only the last one's matters, which is then in <see cref="HiddenGradient"/>.
    /// </param>
    /// <param name="reading">As in the forward pass.</param>
    /// <param name="inputGradients">[T, B, E], overwritten; or null where not wanted.</param>
    public void BackwardAll(int steps, float* hiddenGradients, byte* reading, float* inputGradients)
    {
        if (HasSequencesAlone)
        {
            _parallel.For(Batch, SequencesWorthSharing, (first, end) =>
            {
                for (int t = steps - 1; t >= 0; t--)
                {
                    BackwardRows(t, hiddenGradients, reading == null ? null : reading + (nint)t * Batch, first, end);
                }
            });
        }
        else
        {
            for (int t = steps - 1; t >= 0; t--)
            {
                if (hiddenGradients != null)
                {
                    AddScaled(hiddenGradients + (nint)t * Batch * _hidden, 1f, HiddenGradient, Batch * _hidden);
                }

                Backward(t, reading == null ? null : reading + (nint)t * Batch, null);
            }
        }

        if (inputGradients != null)
        {
            _backwardInput.Multiply(_parallel, GateGradient(0), steps * Batch, inputGradients, accumulate: false);
        }
    }

    /// <summary>The weights' gradients of steps 0 to <paramref name="steps"/> - 1, after the backward pass of each; all are overwritten.</summary>
    /// <param name="steps">How many steps were done.</param>
    /// <param name="inputWeight">[4H, E].</param>
    /// <param name="hiddenWeight">[4H, H].</param>
    /// <param name="bias">[4H]: the gradient of either bias.</param>
    public void WeightGradients(int steps, float* inputWeight, float* hiddenWeight, float* bias)
    {
        int rows = steps * Batch, width = 4 * _hidden;
        _parallel.For((width + GradientRows - 1) / GradientRows, 1, (first, end) =>
        {
            // Copied, since rows that lie a multiple of 4096 bytes apart push each other out of the first-level cache.
            float* tile = stackalloc float[GradientRows * GradientDepth];
            for (int task = first; task < end; task++)
            {
                int unit = task * GradientRows, units = Math.Min(GradientRows, width - unit);
                new Span<float>(bias + unit, units).Clear();
                // In slices of the depth, so that what is read stays in cache. Sums are taken in the order of time.
                for (int depth = 0; depth < rows; depth += GradientDepth)
                {
                    int slice = Math.Min(GradientDepth, rows - depth);
                    for (nint row = 0; row < slice; row++)
                    {
                        new ReadOnlySpan<float>(GateGradient(0) + (depth + row) * width + unit, units)
                            .CopyTo(new Span<float>(tile + row * GradientRows, units));
                        AddScaled(tile + row * GradientRows, 1f, bias + unit, units);
                    }

                    MatrixKernel.Multiply(tile, 1, GradientRows, Input(0) + ((nint)depth * _input), _input, inputWeight + ((nint)unit * _input),
                        _input, units, _input, slice, depth > 0);
                    MatrixKernel.Multiply(tile, 1, GradientRows, Hidden(0) + ((nint)depth * _hidden), _hidden, hiddenWeight + ((nint)unit * _hidden),
                        _hidden, units, _hidden, slice, depth > 0);
                }
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_forwardInput, _forwardHidden, _backwardInput, _backwardHidden, _inputs, _hiddens, _cells,
            _gates, _bias, _hiddenGradient, _cellGradient, _passedHidden, _passedCell])
        {
            part.Dispose();
        }
    }

    // Whether a thread takes some of the sequences through all steps by itself. That pays while the recurrent weights stay in its own cache.
    private bool HasSequencesAlone => 4 * _hidden * _hidden <= 1 << 17;

    private void ForwardFromInputs(int t, byte* reading)
    {
        float* gates = GateGradient(t);
        _forwardHidden.Multiply(_parallel, Hidden(t), Batch, gates, accumulate: true);
        LstmCellKernel.Forward(_parallel, gates, _bias.Pointer, Cell(t), Cell(t + 1), Hidden(t + 1), Batch, _hidden);
        KeepStates(t, reading, 0, Batch);
    }

    private void KeepStates(int t, byte* reading, int first, int end)
    {
        for (int row = first; reading != null && row < end; row++)
        {
            if (reading[row] == 0)
            {
                Row(Hidden(t), row).CopyTo(Row(Hidden(t + 1), row));
                Row(Cell(t), row).CopyTo(Row(Cell(t + 1), row));
            }
        }
    }

    private void BackwardRows(int t, float* hiddenGradients, byte* reading, int first, int end)
    {
        float* gates = GateGradient(t) + (nint)first * 4 * _hidden;
        for (nint row = first; row < end; row++)
        {
            nint offset = row * _hidden;
            if (hiddenGradients != null)
            {
                AddScaled(hiddenGradients + ((nint)t * Batch + row) * _hidden, 1f, HiddenGradient + offset, _hidden);
            }

            if (reading != null && reading[row] == 0)
            {
                Row(HiddenGradient, (int)row).CopyTo(Row(_passedHidden.Pointer, (int)row));
                new Span<float>(GateGradient(t) + 4 * offset, 4 * _hidden).Clear();
                continue;
            }

            LstmCellKernel.BackwardRow(
                GateGradient(t) + 4 * offset, Cell(t) + offset, Cell(t + 1) + offset, HiddenGradient + offset, _cellGradient.Pointer + offset,
                    GateGradient(t) + 4 * offset, _hidden);
        }

        _backwardHidden.Multiply(gates, end - first, HiddenGradient + (nint)first * _hidden, accumulate: false);
        for (int row = first; reading != null && row < end; row++)
        {
            if (reading[row] == 0)
            {
                Row(_passedHidden.Pointer, row).CopyTo(Row(HiddenGradient, row));
            }
        }
    }

    private Span<float> Matrix(NativeBuffer state) => new(state.Pointer, Batch * _hidden);

    private Span<float> Row(float* matrix, int row) => new(matrix + ((nint)row * _hidden), _hidden);
}
