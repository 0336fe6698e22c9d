using System.Collections.Concurrent;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// Draws sequences from a one-layer LSTM language model, each token by inverting its cumulative distribution at one uniform number. A thread takes a
/// block of sequences through all steps, so that their states and logits stay in its own cache.
/// </summary>
/// <remarks>
/// B sequences, T time, V vocabulary, E embedding, H hidden. A sequence depends on the weights, the key and its number in the batch alone: not on the
/// threads, nor on the other sequences.
/// </remarks>
public sealed unsafe class LstmSampler : IDisposable
{
    private const int PieceColumns = VocabularyWalker.PieceColumns, Rows = VocabularyWalker.BlockRows;
    // Up to 4 MB, a table of every token's contribution to the gates saves time.
    private const int LargestGateTable = 1 << 20;
    private readonly int _vocabulary, _embedding, _hidden, _blockRows;
    private readonly PackedMatrix _inputWeight, _hiddenWeight;
    private readonly NativeBuffer _gateBias;
    private readonly VocabularyWalker _walker;
    private readonly ConcurrentBag<Block> _idle = [];
    private float* _table;
    private NativeBuffer? _gateTable;
    private bool _hasGateTable;

    /// <summary>Allocates the memory for the weights.</summary>
    /// <param name="vocabulary">V.</param>
    /// <param name="embedding">E.</param>
    /// <param name="hidden">H.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public LstmSampler(int vocabulary, int embedding, int hidden)
    {
        (_vocabulary, _embedding, _hidden) = (vocabulary, embedding, hidden);
        _walker = new VocabularyWalker(vocabulary, hidden);
        // Where the weights exceed the second-level cache, more rows at a time make up for reading them.
        _blockRows = hidden > 128 ? 6 * Rows : Rows;
        (_inputWeight, _hiddenWeight, _gateBias) = (new(embedding, 4 * hidden), new(hidden, 4 * hidden), new(4 * hidden));
    }

    /// <summary>Copies the parameters, which have PyTorch's layout. The embedding is not copied and must stay where it is.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="table">[V, E], the token embedding.</param>
    /// <param name="inputWeight">[4H, E].</param>
    /// <param name="hiddenWeight">[4H, H].</param>
    /// <param name="inputBias">[4H].</param>
    /// <param name="hiddenBias">[4H].</param>
    /// <param name="outputWeight">[V, H].</param>
    /// <param name="outputBias">[V].</param>
    public void Pack(
        RowParallel parallel, float* table, float* inputWeight, float* hiddenWeight, float* inputBias, float* hiddenBias, float* outputWeight,
        float* outputBias)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        _table = table;
        _hasGateTable = false;
        _inputWeight.PackTransposed(parallel, inputWeight);
        _hiddenWeight.PackTransposed(parallel, hiddenWeight);
        _walker.Pack(parallel, outputWeight, outputBias);
        for (int i = 0; i < 4 * _hidden; i++)
        {
            _gateBias.Pointer[i] = inputBias[i] + hiddenBias[i];
        }
    }

    /// <summary>Draws a batch, or continuations of given prefixes.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="request">What to draw.</param>
    /// <param name="tokens">[B, T], receives the tokens from each sequence's start on, padding after the end.</param>
    /// <exception cref="NotFiniteNumberException">A logit is NaN, or all logits of a row are minus infinity.</exception>
    public void Sample(RowParallel parallel, SamplingRequest request, long* tokens)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        ulong[] keys = [.. Enumerable.Range(0, request.Length).Select(place => request.Key.Derive((ulong)place).Value)];
        PrepareGateTable(parallel, request);
        // Blocks of about equal size, equally many for each thread.
        int blocks = (((request.Batch + _blockRows - 1) / _blockRows) + parallel.Threads - 1) / parallel.Threads * parallel.Threads;
        int rows = (request.Batch + blocks - 1) / blocks;
        parallel.For((request.Batch + rows - 1) / rows, 1, (first, end) =>
        {
            Block block = _idle.TryTake(out Block? used) ? used : new Block(this);
            for (int number = first; number < end; number++)
            {
                block.Sample(request, keys, number * rows, Math.Min(rows, request.Batch - number * rows), tokens);
            }

            _idle.Add(block);
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable? part in (IDisposable?[])[_inputWeight, _hiddenWeight, _walker, _gateBias, _gateTable, .. _idle])
        {
            part?.Dispose();
        }
    }

    // W_ih times every token's embedding. It pays where the vocabulary is small compared with the number of tokens to draw.
    private void PrepareGateTable(RowParallel parallel, SamplingRequest request)
    {
        if (_hasGateTable || 2L * _vocabulary > (long)request.Batch * request.Length || 4L * _hidden * _vocabulary > LargestGateTable)
        {
            return;
        }

        _gateTable ??= new NativeBuffer((nint)_vocabulary * 4 * _hidden);
        _inputWeight.Multiply(parallel, _table, _vocabulary, _gateTable.Pointer, accumulate: false);
        _hasGateTable = true;
    }

    /// <summary>The states of the sequences that a thread is drawing. Those that have ended are removed, so that the rest stay contiguous.</summary>
    private sealed class Block(LstmSampler owner) : IDisposable
    {
        private readonly VocabularyWalker _walker = owner._walker;
        private readonly SoftmaxPartials _partials = new(owner._walker.Pieces, owner._blockRows);
        private readonly int _hidden = owner._hidden, _embedding = owner._embedding, _pieces = owner._walker.Pieces;
        private readonly NativeBuffer _input = new(owner._blockRows * owner._embedding), _gates = new(owner._blockRows * 4 * owner._hidden);
        private readonly NativeBuffer _state = new(owner._blockRows * owner._hidden), _cell = new(owner._blockRows * owner._hidden);
        private readonly NativeBuffer _exponentials = new((nint)owner._walker.Pieces * owner._blockRows * PieceColumns);
        private readonly int[] _sequences = new int[owner._blockRows], _places = new int[owner._blockRows], _last = new int[owner._blockRows];
        private NativeBuffer? _whole;
        private float _rate;
        private int _topK;
        private double _topP;
        private ulong _firstRow;

        public void Sample(SamplingRequest request, ulong[] keys, int firstSequence, int count, long* tokens)
        {
            _rate = (float)(BinaryLogarithmOfE / request.Temperature);
            (_topK, _topP) = (request.TopK, request.TopP == 0 ? 1 : request.TopP);
            _firstRow = request.Key.FirstRow(request.Batch);
            for (int row = 0; row < count; row++)
            {
                int sequence = firstSequence + row, place = request.Starts == null ? 0 : request.Starts[sequence];
                (_sequences[row], _places[row]) = (sequence, place);
                _last[row] = request.FirstTokens == null ? request.BeginToken : request.FirstTokens[sequence];
                new Span<long>(tokens + (nint)sequence * request.Length + place, request.Length - place).Fill(request.PaddingToken);
                int state = request.States == null ? sequence : request.States[sequence];
                CopyState(request.InitialHidden, state, _state, row);
                CopyState(request.InitialCell, state, _cell, row);
            }

            while (count > 0)
            {
                Step(count);
                int living = 0;
                for (int row = 0; row < count; row++)
                {
                    int place = _places[row], token = Draw(row, keys[place]);
                    tokens[(nint)_sequences[row] * request.Length + place] = token;
                    if (token == request.EndToken || place + 1 == request.Length)
                    {
                        continue;
                    }

                    if (living < row)
                    {
                        Floats(_state.Pointer, row, _hidden).CopyTo(Floats(_state.Pointer, living, _hidden));
                        Floats(_cell.Pointer, row, _hidden).CopyTo(Floats(_cell.Pointer, living, _hidden));
                    }

                    (_sequences[living], _places[living], _last[living]) = (_sequences[row], place + 1, token);
                    living++;
                }

                count = living;
            }
        }

        public void Dispose()
        {
            foreach (IDisposable? part in (IDisposable?[])[_input, _state, _cell, _gates, _exponentials, _partials, _whole])
            {
                part?.Dispose();
            }
        }

        private static Span<float> Floats(float* matrix, int row, int width) => new(matrix + (nint)row * width, width);

        private void CopyState(float* states, int state, NativeBuffer destination, int row)
        {
            Span<float> target = Floats(destination.Pointer, row, _hidden);
            if (states == null)
            {
                target.Clear();
            }
            else
            {
                Floats(states, state, _hidden).CopyTo(target);
            }
        }

        // One step of the LSTM; then for each row, piece by piece of the vocabulary, exp(logit - the piece's maximum).
        private void Step(int count)
        {
            bool hasGates = owner._hasGateTable;
            float* table = hasGates ? owner._gateTable!.Pointer : owner._table, inputs = hasGates ? _gates.Pointer : _input.Pointer;
            int width = hasGates ? 4 * _hidden : _embedding;
            for (int row = 0; row < count; row++)
            {
                Floats(table, _last[row], width).CopyTo(Floats(inputs, row, width));
            }

            if (!hasGates)
            {
                owner._inputWeight.Multiply(_input.Pointer, count, _gates.Pointer, accumulate: false);
            }

            owner._hiddenWeight.Multiply(_state.Pointer, count, _gates.Pointer, accumulate: true);
            for (int row = 0; row < count; row++)
            {
                float* gates = _gates.Pointer + (row * 4 * _hidden), cell = _cell.Pointer + (row * _hidden);
                LstmCellKernel.ForwardRow(gates, owner._gateBias.Pointer, cell, cell, _state.Pointer + (row * _hidden), _hidden);
            }

            for (int piece = 0; piece < _pieces; piece++)
            {
                for (int first = 0; first < count; first += Rows)
                {
                    Exponentials(piece, first, Math.Min(Rows, count - first));
                }
            }
        }

        private void Exponentials(int piece, int first, int rows)
        {
            float* values = Values(piece, first);
            _walker.Multiply(piece, _state.Pointer + (first * _hidden), rows, values);
            int columns = _walker.Columns(piece);
            for (int row = first; row < first + rows; row++, values += PieceColumns)
            {
                _partials.Exponentials(piece, row, values, columns, _walker.AddBias(piece, values), _rate);
            }
        }

        private int Draw(int row, ulong stepKey)
        {
            float* weights = _partials.Weights;
            double total = _partials.Merge(row, _rate, weights).Sum;
            if (!(total > 0 && double.IsFinite(total)))
            {
                throw SamplingKernel.NoDistribution("sequence", (ulong)_sequences[row]);
            }

            double uniform = SamplingKernel.Uniform(stepKey, _firstRow + (ulong)_sequences[row]);
            if (_topK > 0 || _topP < 1)
            {
                return DrawTruncated(row, weights, uniform);
            }

            double target = uniform * total;
            int chosen = -1;
            for (int piece = 0; piece < _pieces; piece++)
            {
                double share = _partials.Sum(piece, row) * weights[_partials.Index(piece, row)];
                if (share > 0)
                {
                    chosen = piece;
                    if (target < share)
                    {
                        break;
                    }

                    target -= share;
                }
            }

            double inPiece = target / weights[_partials.Index(chosen, row)];
            return VocabularyWalker.FirstToken(chosen) + SamplingKernel.Invert(Values(chosen, row), _walker.Columns(chosen), inPiece);
        }

        // Joins the pieces of a row, relative to its largest value, truncates the distribution and draws.
        private int DrawTruncated(int row, float* weights, double uniform)
        {
            _whole ??= new NativeBuffer(owner._vocabulary);
            for (int piece = 0; piece < _pieces; piece++)
            {
                float* values = Values(piece, row), whole = _whole.Pointer + VocabularyWalker.FirstToken(piece);
                float weight = weights[_partials.Index(piece, row)];
                for (int column = 0; column < _walker.Tokens(piece); column++)
                {
                    whole[column] = values[column] * weight;
                }
            }

            TruncationKernel.Truncate(new Span<float>(_whole.Pointer, owner._vocabulary), _topK, _topP);
            return SamplingKernel.Draw(_whole.Pointer, owner._vocabulary, uniform);
        }

        private float* Values(int piece, int row) => _exponentials.Pointer + (_partials.Index(piece, row) * PieceColumns);
    }
}
