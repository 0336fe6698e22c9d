using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GumbelGan.Engine;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using TorchSharp;
using static GumbelGan.Engine.TensorMemory;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

// Long because forward and backward pass share their memory step by step.
/// <summary>
/// The roll-out of a one-layer <see cref="LstmGenerator"/> on the CPU as one graph node: recurrent steps, noise, relaxation and the products
/// with both embedding matrices in one pass, without a relaxed sample [B, T, V] that outlives its piece of cache; and its own backward pass.
/// It computes what <see cref="RecurrentGenerator.Relax"/> defines, from the same noise.
/// </summary>
/// <remarks>
/// B batch, T time, V vocabulary, E the generator's embedding, F the discriminator's, H hidden. One roll-out at a time: a new
/// <see cref="Generate"/> overwrites what the backward pass of the last one needs.
/// </remarks>
public sealed unsafe class FusedRollout : IRollout
{
    // Relaxed rows up to this many floats are kept for the later passes; beyond it they are made again from the noise.
    private const long LargestKept = 1L << 28;
    private readonly LstmGenerator _generator;
    private readonly RowParallel _parallel;
    private readonly LstmSequence _lstm;
    private readonly RelaxedVocabulary _vocabulary;
    private readonly int _batch, _width, _minimumSteps;
    private readonly NativeBuffer _maxima, _sums, _softInputs, _softEmbedded, _inputGradient, _hiddenGradient, _hiddenRows, _inputRows, _embeddedRows;
    private readonly NativeBuffer? _kept;
    private readonly nint _keptLength;
    private readonly int[] _tokens, _drawn;
    // The rows that have not ended before each step, [T, B], and how many: the vocabulary is computed for no others.
    private readonly int[] _living, _livingCounts;
    // Forward values are one-hots, so their products are rows of the matrices.
    private readonly bool _isOneHot;
    // How gradients go through a row of one-hots, where not as through softmax((logits + noise) / temperature).
    private readonly RowGradient? _rowGradient;
    private double _temperature;
    private RandomKey _noise;
    private int _steps;
    private bool _isEmbedded;

    /// <summary>Sets the memory aside for roll-outs of <paramref name="batch"/> sequences.</summary>
    /// <param name="generator">One layer, on the CPU.</param>
    /// <param name="batch">B.</param>
    /// <param name="discriminatorWidth">F.</param>
    /// <param name="parallel">The threads.</param>
    /// <param name="relaxation">What a sample looks like, forward and backward; one that <see cref="Serves"/>.</param>
    /// <param name="minimumSteps">Steps to do even if every sequence has ended before (a CNN needs as many places as its widest filter).</param>
    public FusedRollout(LstmGenerator generator, int batch, int discriminatorWidth, RowParallel parallel, Relaxation relaxation, int minimumSteps = 1)
    {
        (_generator, _batch, _width, _parallel, _minimumSteps) = (generator, batch, discriminatorWidth, parallel, minimumSteps);
        (_isOneHot, _rowGradient) = (relaxation.IsHard, relaxation.IsGumbelSoftmax ? null : relaxation.RowGradient);
        SequenceFormat format = generator.Format;
        LstmGeneratorOptions options = generator.Options;
        _lstm = new LstmSequence(parallel, batch, format.Length, options.Embedding, options.Hidden);
        _vocabulary = new RelaxedVocabulary(format.Vocabulary, options.Hidden, options.Feedback == Feedback.Relaxed ? options.Embedding : 0,
            discriminatorWidth, batch);
        nint rows = (nint)batch * format.Length;
        (_maxima, _sums) = (new(rows), new(rows));
        (_softInputs, _softEmbedded) = (new(rows * options.Embedding), new(rows * discriminatorWidth));
        (_inputGradient, _hiddenGradient) = (new((nint)batch * options.Embedding), new((nint)batch * options.Hidden));
        (_hiddenRows, _inputRows, _embeddedRows) =
            (new((nint)batch * options.Hidden), new((nint)batch * options.Embedding), new((nint)batch * discriminatorWidth));
        // A multiple of 16 floats, so that every step starts at a multiple of 64 bytes.
        _keptLength = (_vocabulary.KeptLength + 15) / 16 * 16;
        _kept = (long)_keptLength * format.Length <= LargestKept ? new NativeBuffer(_keptLength * format.Length) : null;
        (_tokens, _drawn, _livingCounts) = (new int[rows], new int[batch], new int[format.Length]);
        _living = GC.AllocateArray<int>((int)rows, pinned: true);
    }

    private int Length => _generator.Format.Length;

    private bool FeedsBackRelaxed => _generator.Options.Feedback == Feedback.Relaxed;

    /// <summary>Whether samples of that relaxation can be rolled out so.</summary>
    public static bool Serves(Relaxation relaxation) => relaxation.IsGumbelSoftmax || (relaxation.IsHard && relaxation.RowGradient is not null);

    /// <summary>Rolls out a batch; no gradient is recorded until <see cref="Embedded"/>.</summary>
    /// <param name="discriminatorTable">[V, F].</param>
    /// <param name="temperature">Of the relaxation; positive.</param>
    /// <param name="noise">Keys the noise.</param>
    public RolledOutSequences Generate(Tensor discriminatorTable, double temperature, RandomKey noise)
    {
        (_temperature, _noise, _isEmbedded) = (temperature, noise, false);
        Pack(discriminatorTable);
        _lstm.ClearStates();
        _generator.FillInitialCell(noise, new Span<float>(_lstm.Cell(0), _batch * _generator.Options.Hidden));
        float* table = Pointer(_generator.EmbeddingWeight);
        for (int row = 0; row < _batch; row++)
        {
            CopyRow(table, _generator.Format.BeginId, _lstm.Input(0), row, _generator.Options.Embedding);
        }

        Array.Fill(_tokens, _generator.Format.PaddingId ?? 0);
        bool[] ended = new bool[_batch];
        _steps = 0;
        for (int t = 0; t < Length && (t < _minimumSteps || !Array.TrueForAll(ended, over => over)); t++)
        {
            _lstm.Forward(t);
            bool last = t == Length - 1;
            _livingCounts[t] = 0;
            for (int row = 0; row < _batch; row++)
            {
                if (!ended[row])
                {
                    _living[t * _batch + _livingCounts[t]++] = row;
                }
            }

            if (_livingCounts[t] > 0)
            {
                fixed (int* drawn = _drawn)
                {
                    if (_rowGradient is null)
                    {
                        _vocabulary.Forward(_parallel, Step(t), FeedsBackRelaxed && !last ? SoftInput(t) : null, SoftEmbedded(t), drawn);
                    }
                    else
                    {
                        _vocabulary.ForwardHard(_parallel, Step(t), drawn);
                    }
                }
            }

            for (int row = 0, living = 0; row < _batch; row++)
            {
                int place = t * _batch + row, own = ended[row] ? -1 : living++;
                _tokens[place] = own < 0 ? _generator.Format.PaddingId!.Value : _drawn[own];
                if (!last)
                {
                    // After the end, and under straight-through, what is fed back is a token's own embedding.
                    bool isSoft = FeedsBackRelaxed && own >= 0 && !_isOneHot;
                    CopyRow(isSoft ? SoftInput(t) : table, isSoft ? own : _tokens[place], _lstm.Input(t + 1), row, _generator.Options.Embedding);
                }

                ended[row] |= _tokens[place] == _generator.Format.EndId;
            }

            _steps = t + 1;
        }

        return new RolledOutSequences(BatchFirstIds(), BatchFirstMask());
    }

    /// <summary>
    /// The last roll-out, multiplied by the discriminator's embedding matrix. Gradients flow to <paramref name="discriminatorTable"/> where it
    /// requires them, and to the generator where <paramref name="throughGenerator"/>.
    /// </summary>
    /// <param name="discriminatorTable">[V, F]; its values may have changed since <see cref="Generate"/>.</param>
    /// <param name="throughGenerator">Whether gradients reach the generator's weights.</param>
    /// <returns>[B, T', F] and the mask [B, T'], T' the steps until every sequence had ended.</returns>
    public (Tensor Embedded, Tensor Mask) Embedded(Tensor discriminatorTable, bool throughGenerator)
    {
        // Generate has already multiplied the samples by the matrix. Between the first call and a second one the discriminator has learned, so they
        // are multiplied again.
        bool changed = _isEmbedded;
        _isEmbedded = true;
        if (changed)
        {
            _vocabulary.PackDiscriminator(_parallel, Pointer(discriminatorTable));
            for (int t = 0; t < _steps && _livingCounts[t] > 0 && _rowGradient is null; t++)
            {
                _vocabulary.EmbedAgain(_parallel, Step(t), SoftEmbedded(t));
            }
        }

        bool ofTable = discriminatorTable.requires_grad;
        Tensor embedded = FusedNode.Apply(
            () => Forward(discriminatorTable),
            gradient => Backward(gradient, ofTable, throughGenerator),
            throughGenerator ? [discriminatorTable, .. _generator.FusedParameters] : [discriminatorTable]);
        return (embedded.transpose(0, 1), BatchFirstMask().narrow(1, 0, _steps)); // [B, T', F], [B, T']
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable? part in (IDisposable?[])[_lstm, _vocabulary, _maxima, _sums, _softInputs, _softEmbedded, _inputGradient,
            _hiddenGradient, _hiddenRows, _inputRows, _embeddedRows, _kept])
        {
            part?.Dispose();
        }
    }

    private RelaxedStep Step(int t) => new()
    {
        Hidden = Gather(_lstm.Hidden(t + 1), t, _hiddenRows, _generator.Options.Hidden),
        Rows = _livingCounts[t],
        RowNumbers = Living(t),
        FirstRow = _noise.FirstRow(_batch),
        Temperature = (float)_temperature,
        Key = _noise.Derive((ulong)t),
        Maxima = _maxima.Pointer + (nint)t * _batch,
        Sums = _sums.Pointer + (nint)t * _batch,
        Kept = _kept is null ? null : _kept.Pointer + t * _keptLength,
    };

    private int* Living(int t) => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_living)) + t * _batch;

    /// <summary>
    /// The living rows of <paramref name="source"/>, [B, width], below each other: where they lie if all live, else in <paramref name="buffer"/>.
    /// </summary>
    private float* Gather(float* source, int t, NativeBuffer buffer, int width)
    {
        if (source == null || _livingCounts[t] == _batch)
        {
            return source;
        }

        for (int i = 0; i < _livingCounts[t]; i++)
        {
            CopyRow(source, Living(t)[i], buffer.Pointer, i, width);
        }

        return buffer.Pointer;
    }

    // One row for each living one, as the vocabulary leaves them.
    private float* SoftInput(int t) => _softInputs.Pointer + (nint)t * _batch * _generator.Options.Embedding;

    private float* SoftEmbedded(int t) => _softEmbedded.Pointer + (nint)t * _batch * _width;

    private void Pack(Tensor discriminatorTable)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        LstmGenerator.CellParameters weights = _generator.CellWeights;
        _lstm.Pack(Pointer(weights.Input), Pointer(weights.Hidden), Pointer(weights.InputBias), Pointer(weights.HiddenBias));
        _vocabulary.PackGenerator(_parallel, Pointer(_generator.OutputWeight), Pointer(_generator.EffectiveBias()),
            FeedsBackRelaxed ? Pointer(_generator.EmbeddingWeight) : null);
        _vocabulary.PackDiscriminator(_parallel, Pointer(discriminatorTable));
    }

    private Tensor Forward(Tensor table)
    {
        Tensor embedded = empty(_steps, _batch, _width); // [T', B, F]
        float* destination = Pointer(embedded), rows = Pointer(table);
        for (int t = 0; t < _steps; t++)
        {
            for (int row = 0, living = 0; row < _batch; row++)
            {
                // The discriminator sees one-hots after the end and under straight-through.
                int place = t * _batch + row, own = living < _livingCounts[t] && Living(t)[living] == row ? living++ : -1;
                bool isSoft = own >= 0 && !_isOneHot;
                CopyRow(isSoft ? SoftEmbedded(t) : rows, isSoft ? own : _tokens[place], destination, place, _width);
            }
        }

        return embedded;
    }

    /// <summary>The gradients of the table and, through the generator, of each of its parameters, in their order.</summary>
    private List<Tensor?> Backward(Tensor gradient, bool tableNeedsGradient, bool throughGenerator)
    {
        SequenceFormat format = _generator.Format;
        int embeddingWidth = _generator.Options.Embedding, hidden = _generator.Options.Hidden;
        Tensor outer = gradient.contiguous(); // [T', B, F]
        Tensor? tableGradient = tableNeedsGradient ? zeros(format.Vocabulary, _width) : null;
        Tensor? embedding = throughGenerator ? zeros(format.Vocabulary, embeddingWidth) : null;
        Tensor? weight = throughGenerator ? zeros(format.Vocabulary, hidden) : null, bias = throughGenerator ? zeros(format.Vocabulary) : null;
        _lstm.ClearGradients();
        float* inputGradient = null;
        for (int t = _steps - 1; t >= 0; t--)
        {
            float* outerStep = Pointer(outer) + (nint)t * _batch * _width;
            if (_isOneHot)
            {
                ScatterRows(outerStep, t, Pointer(tableGradient), _width);
            }

            if (inputGradient != null && (!FeedsBackRelaxed || _isOneHot))
            {
                ScatterRows(inputGradient, t, FeedsBackRelaxed ? Pointer(embedding) : null, embeddingWidth);
            }

            if (_livingCounts[t] > 0 && (throughGenerator || !_isOneHot))
            {
                var gradients = new RelaxedGradients
                {
                    GeneratorInput = FeedsBackRelaxed && inputGradient != null ? SoftInput(t) : null,
                    GeneratorInputGradient = FeedsBackRelaxed ? Gather(inputGradient, t, _inputRows, embeddingWidth) : null,
                    DiscriminatorInput = SoftEmbedded(t),
                    DiscriminatorInputGradient = Gather(outerStep, t, _embeddedRows, _width),
                    Hidden = throughGenerator ? _hiddenGradient.Pointer : null,
                    Weight = Pointer(weight),
                    HasMoreToCome = t > 0,
                    Bias = Pointer(bias),
                    GeneratorEmbedding = FeedsBackRelaxed && inputGradient != null && !_isOneHot ? Pointer(embedding) : null,
                    DiscriminatorEmbedding = _isOneHot ? null : Pointer(tableGradient),
                };
                if (_rowGradient is null)
                {
                    _vocabulary.Backward(_parallel, Step(t), gradients);
                }
                else
                {
                    BackwardRows(t, gradients, _rowGradient);
                }
            }

            if (throughGenerator)
            {
                for (int i = 0; i < _livingCounts[t]; i++)
                {
                    Add(_hiddenGradient.Pointer + (nint)i * hidden, _lstm.HiddenGradient + (nint)Living(t)[i] * hidden, hidden);
                }

                inputGradient = _inputGradient.Pointer;
                _lstm.Backward(t, null, inputGradient);
            }
        }

        if (!throughGenerator)
        {
            return [tableGradient];
        }

        for (int row = 0; row < _batch; row++)
        {
            Add(_inputGradient.Pointer + (nint)row * embeddingWidth, Pointer(embedding) + (nint)format.BeginId * embeddingWidth, embeddingWidth);
        }

        Tensor inputWeight = empty(4 * hidden, embeddingWidth), hiddenWeight = empty(4 * hidden, hidden), gateBias = empty(4 * hidden);
        _lstm.WeightGradients(_steps, Pointer(inputWeight), Pointer(hiddenWeight), Pointer(gateBias));
        // The order of LstmGenerator.FusedParameters.
        return [tableGradient, embedding, weight, bias, inputWeight, hiddenWeight, gateBias, gateBias.clone()];
    }

    private void BackwardRows(int t, RelaxedGradients gradients, RowGradient rowGradient)
    {
        for (int i = 0; i < _livingCounts[t]; i++)
        {
            _drawn[i] = _tokens[t * _batch + Living(t)[i]];
        }

        RelaxedStep step = Step(t);
        fixed (int* drawn = _drawn)
        {
            _vocabulary.BackwardRows(_parallel, step, gradients, rowGradient, drawn, RelaxationInputs.FurtherDraws(step.Key!.Value));
        }
    }

    /// <summary>Adds each row's gradient to the row of the token that it was, since a one-hot times a matrix is one of its rows.</summary>
    private void ScatterRows(float* gradient, int t, float* table, int width)
    {
        for (int i = 0; table != null && i < _livingCounts[t]; i++)
        {
            int row = Living(t)[i];
            Add(gradient + (nint)row * width, table + (nint)_tokens[t * _batch + row] * width, width);
        }
    }

    private Tensor BatchFirstIds()
    {
        long[] ids = new long[_batch * Length];
        for (int place = 0; place < ids.Length; place++)
        {
            ids[place % _batch * Length + place / _batch] = place < _steps * _batch ? _tokens[place] : _generator.Format.PaddingId ?? 0;
        }

        return tensor(ids, [_batch, Length]);
    }

    private Tensor BatchFirstMask()
    {
        float[] mask = new float[_batch * Length];
        for (int t = 0; t < _steps; t++)
        {
            for (int i = 0; i < _livingCounts[t]; i++)
            {
                mask[Living(t)[i] * Length + t] = 1;
            }
        }

        return tensor(mask, [_batch, Length]);
    }

    private static void CopyRow(float* source, int sourceRow, float* destination, int row, int width) =>
        new ReadOnlySpan<float>(source + (nint)sourceRow * width, width).CopyTo(new Span<float>(destination + (nint)row * width, width));

    private static void Add(float* source, float* destination, int count)
    {
        for (int i = 0; i < count; i++)
        {
            destination[i] += source[i];
        }
    }
}
