using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GumbelGan.Randomness;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>What <see cref="LstmSampler"/> is to draw.</summary>
public unsafe struct SamplingRequest
{
    /// <summary>Gets or sets B, the number of sequences.</summary>
    public int Batch { get; set; }

    /// <summary>Gets or sets T, the tokens of each.</summary>
    public int Length { get; set; }

    /// <summary>Gets or sets the token read before the first.</summary>
    public int BeginToken { get; set; }

    /// <summary>Gets or sets the token that ends a sequence; -1 for none.</summary>
    public int EndToken { get; set; }

    /// <summary>Gets or sets what fills the places after the end.</summary>
    public int PaddingToken { get; set; }

    /// <summary>Gets or sets what divides the logits; above zero.</summary>
    public double Temperature { get; set; }

    /// <summary>Gets or sets what keys the draws: step t of sequence r takes word r of <c>Key.Derive(t)</c>.</summary>
    public RandomKey Key { get; set; }

    /// <summary>Gets or sets [S, H], hidden states to start from; null for zeros.</summary>
    public float* InitialHidden { get; set; }

    /// <summary>Gets or sets [S, H], cell states to start from; null for zeros.</summary>
    public float* InitialCell { get; set; }

    /// <summary>Gets or sets [B], the row of the initial states that each sequence starts from; null where each has its own.</summary>
    public int* States { get; set; }

    /// <summary>Gets or sets [B], the place of the first token to draw, below T: what stands before it is given; null where all start at 0.</summary>
    public int* Starts { get; set; }

    /// <summary>Gets or sets [B], the token read before the first that is drawn; null where it is <see cref="BeginToken"/>.</summary>
    public int* FirstTokens { get; set; }
}

/// <summary>
/// Draws sequences from a one-layer LSTM language model, each token by one uniform number and the inverse of its cumulative distribution.
/// A thread takes a block of sequences through all steps while their states and logits stay in its own cache.
/// </summary>
/// <remarks>
/// B sequences, T time, V vocabulary, E embedding, H hidden. A sequence depends on its own number, key and the weights: neither on the threads
/// nor on what else is drawn.
/// </remarks>
public sealed unsafe class LstmSampler : IDisposable
{
    // As in RelaxedVocabulary: 24 x 384 logits stay in a 48 KB first-level cache.
    private const int PieceColumns = 384, Rows = 24, Tile = 64;
    // Up to 4 MB, what every token does to the gates is worth having beforehand.
    private const int LargestGateTable = 1 << 20;
    private readonly int _vocabulary, _embedding, _hidden, _pieces, _blockRows;
    private readonly PackedMatrix _inputWeight, _hiddenWeight, _outputWeight;
    private readonly NativeBuffer _gateBias, _outputBias;
    private readonly ConcurrentBag<Block> _idle = [];
    private float* _table;
    private NativeBuffer? _gateTable;
    private bool _hasGateTable;

    /// <summary>Sets the memory for the weights aside.</summary>
    /// <param name="vocabulary">V.</param>
    /// <param name="embedding">E.</param>
    /// <param name="hidden">H.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public LstmSampler(int vocabulary, int embedding, int hidden)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabulary);
        (_vocabulary, _embedding, _hidden) = (vocabulary, embedding, hidden);
        _pieces = (vocabulary + PieceColumns - 1) / PieceColumns;
        // Weights beyond the second-level cache are worth reading for more rows at a time.
        _blockRows = hidden > 128 ? 6 * Rows : Rows;
        (_inputWeight, _hiddenWeight, _outputWeight) = (new(embedding, 4 * hidden), new(hidden, 4 * hidden), new(hidden, vocabulary));
        (_gateBias, _outputBias) = (new(4 * hidden), new((nint)_pieces * PieceColumns));
        new Span<float>(_outputBias.Pointer, _pieces * PieceColumns).Fill(float.NegativeInfinity);
    }

    /// <summary>Takes the parameters, in PyTorch's layout; the embedding is read later too and must stay where it is.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="table">[V, E], the token embedding.</param>
    /// <param name="inputWeight">[4H, E].</param>
    /// <param name="hiddenWeight">[4H, H].</param>
    /// <param name="inputBias">[4H].</param>
    /// <param name="hiddenBias">[4H].</param>
    /// <param name="outputWeight">[V, H].</param>
    /// <param name="outputBias">[V].</param>
    public void Pack(RowParallel parallel, float* table, float* inputWeight, float* hiddenWeight, float* inputBias, float* hiddenBias, float* outputWeight, float* outputBias)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        _table = table;
        _hasGateTable = false;
        _inputWeight.PackTransposed(parallel, inputWeight);
        _hiddenWeight.PackTransposed(parallel, hiddenWeight);
        _outputWeight.PackTransposed(parallel, outputWeight);
        for (int i = 0; i < 4 * _hidden; i++)
        {
            _gateBias.Pointer[i] = inputBias[i] + hiddenBias[i];
        }

        new ReadOnlySpan<float>(outputBias, _vocabulary).CopyTo(new Span<float>(_outputBias.Pointer, _vocabulary));
    }

    /// <summary>Draws a batch, or the rest of one.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="request">What to draw.</param>
    /// <param name="tokens">[B, T], receives the tokens from each sequence's start on, padding after the end.</param>
    /// <exception cref="AggregateException">The logits of a row define no distribution: one is NaN.</exception>
    public void Sample(RowParallel parallel, SamplingRequest request, long* tokens)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        ulong[] keys = [.. Enumerable.Range(0, request.Length).Select(place => request.Key.Derive((ulong)place).Value)];
        PrepareGateTable(parallel, request);
        // Blocks of like size, as many for each thread.
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
        foreach (IDisposable? part in (IDisposable?[])[_inputWeight, _hiddenWeight, _outputWeight, _gateBias, _outputBias, _gateTable, .. _idle])
        {
            part?.Dispose();
        }
    }

    // W_ih times every token's embedding: fewer products than one a token drawn, where the vocabulary is small against what is drawn.
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

    /// <summary>The states of the sequences that a thread is drawing; those that have ended give their place up.</summary>
    private sealed class Block(LstmSampler owner) : IDisposable
    {
        private readonly int _hidden = owner._hidden, _embedding = owner._embedding, _pieces = owner._pieces;
        private readonly NativeBuffer _input = new(owner._blockRows * owner._embedding), _state = new(owner._blockRows * owner._hidden), _cell = new(owner._blockRows * owner._hidden);
        private readonly NativeBuffer _gates = new(owner._blockRows * 4 * owner._hidden), _exponentials = new((nint)owner._pieces * owner._blockRows * PieceColumns);
        private readonly NativeBuffer _maxima = new(owner._pieces * owner._blockRows), _sums = new(owner._pieces * owner._blockRows);
        private readonly int[] _sequences = new int[owner._blockRows], _places = new int[owner._blockRows], _last = new int[owner._blockRows];
        private float _rate;

        public void Sample(SamplingRequest request, ulong[] keys, int firstSequence, int count, long* tokens)
        {
            _rate = (float)(BinaryLogarithmOfE / request.Temperature);
            for (int row = 0; row < count; row++)
            {
                int sequence = firstSequence + row, place = request.Starts == null ? 0 : request.Starts[sequence];
                (_sequences[row], _places[row], _last[row]) = (sequence, place, request.FirstTokens == null ? request.BeginToken : request.FirstTokens[sequence]);
                new Span<long>(tokens + (nint)sequence * request.Length + place, request.Length - place).Fill(request.PaddingToken);
                int state = request.States == null ? sequence : request.States[sequence];
                Start(request.InitialHidden, state, _state, row);
                Start(request.InitialCell, state, _cell, row);
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
            foreach (IDisposable part in (IDisposable[])[_input, _state, _cell, _gates, _exponentials, _maxima, _sums])
            {
                part.Dispose();
            }
        }

        private static Span<float> Floats(float* matrix, int row, int width) => new(matrix + (nint)row * width, width);

        private void Start(float* states, int state, NativeBuffer destination, int row)
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

        // The LSTM's step and, piece by piece, exp(logit - the piece's maximum) of every row.
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
                float* cell = _cell.Pointer + row * _hidden;
                LstmCellKernel.ForwardRow(_gates.Pointer + row * 4 * _hidden, owner._gateBias.Pointer, cell, cell, _state.Pointer + row * _hidden, _hidden);
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
            int firstToken = piece * PieceColumns, columns = owner.Columns(piece);
            float* values = Values(piece, first);
            for (int column = 0; column < columns; column += Tile)
            {
                MatrixKernel.Multiply(_state.Pointer + first * _hidden, _hidden, 1, owner._outputWeight.PanelStart((firstToken + column) / Tile), Tile,
                    values + column, PieceColumns, rows, Tile, _hidden, accumulate: false);
            }

            for (int row = first; row < first + rows; row++, values += PieceColumns)
            {
                float largest = RelaxedVocabulary.AddBiasAndNoise(values, owner._outputBias.Pointer + firstToken, null, columns, firstToken, null, 0);
                // A piece of nothing but forbidden tokens must give zeros, not the NaN of infinity minus infinity.
                float shift = largest > float.NegativeInfinity ? largest : 0f;
                _maxima.Pointer[row * _pieces + piece] = largest;
                _sums.Pointer[row * _pieces + piece] = GumbelSoftmaxKernel.Exponentials(values, values, columns, shift, _rate);
            }
        }

        private int Draw(int row, ulong stepKey)
        {
            float* maxima = _maxima.Pointer + row * _pieces, sums = _sums.Pointer + row * _pieces;
            float largest = float.NegativeInfinity;
            for (int piece = 0; piece < _pieces; piece++)
            {
                largest = MathF.Max(largest, maxima[piece]);
            }

            // From here on the maxima's place holds what the piece's exponentials count in the whole row.
            double total = 0;
            for (int piece = 0; piece < _pieces; piece++)
            {
                maxima[piece] = PowerOfTwo(Vector512.Create((maxima[piece] - largest) * _rate))[0];
                total += (double)sums[piece] * maxima[piece];
            }

            if (!(total > 0 && double.IsFinite(total)))
            {
                throw new ArithmeticException($"The logits of sequence {_sequences[row]} define no distribution: one is NaN, or all are minus infinity.");
            }

            Philox.Block words = Philox.Generate(stepKey, 0, (ulong)_sequences[row]);
            double target = (((ulong)(words.A >> 5) << 26) | (words.B >> 6)) * (1.0 / (1UL << 53)) * total;
            int chosen = -1;
            for (int piece = 0; piece < _pieces; piece++)
            {
                double share = (double)sums[piece] * maxima[piece];
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

            return chosen * PieceColumns + Invert(Values(chosen, row), owner.Columns(chosen), target / maxima[chosen]);
        }

        // The column at which the cumulative sum passes the target: tile by tile, then column by column; the last possible one should rounding get past it.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static int Invert(float* values, int columns, double target)
        {
            int start = 0;
            for (; start < columns - Tile; start += Tile)
            {
                double sum = Sum((Vector512.Load(values + start) + Vector512.Load(values + start + 16)) + (Vector512.Load(values + start + 32) + Vector512.Load(values + start + 48)));
                if (target < sum)
                {
                    break;
                }

                target -= sum;
            }

            int last = -1;
            for (int column = start; column < columns; column++)
            {
                if (values[column] > 0f)
                {
                    last = column;
                    target -= values[column];
                    if (target < 0)
                    {
                        return column;
                    }
                }
            }

            for (int column = start; last < 0; column--)
            {
                last = values[column] > 0f ? column : -1;
            }

            return last;
        }

        private float* Values(int piece, int row) => _exponentials.Pointer + ((nint)piece * owner._blockRows + row) * PieceColumns;
    }

    private int Columns(int piece) => (Math.Min(PieceColumns, _vocabulary - piece * PieceColumns) + Tile - 1) / Tile * Tile;
}
