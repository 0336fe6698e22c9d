using System.Runtime.InteropServices;
using GumbelGan.Engine;
using GumbelGan.Kernels;
using TorchSharp;
using static GumbelGan.Engine.TensorMemory;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// The teacher-forced likelihood of a one-layer <see cref="LstmGenerator"/> on the CPU as one graph node: recurrence, output layer and
/// cross-entropy without logits [B, T, V], at the cost of the tokens alone, not of the padding. Since the loss is a number, its gradients are
/// taken together with it. It computes what <see cref="RecurrentGenerator.TokenNegativeLogLikelihood"/> defines.
/// </summary>
/// <remarks>B batch, T time, V vocabulary, E embedding, H hidden; N of the B x T places hold tokens, the others padding.</remarks>
public sealed unsafe class FusedLikelihood : IDisposable
{
    private readonly LstmGenerator _generator;
    private readonly RowParallel _parallel;
    private readonly VocabularyLikelihood _vocabulary;
    private LstmSequence? _lstm;
    private NativeBuffer? _hidden, _hiddenGradient, _placedGradient, _inputGradient, _losses, _scales;
    private int[] _inputs = [], _targets = [], _places = [];
    private int _batch, _time;

    /// <summary>The likelihood under <paramref name="generator"/>: one layer, on the CPU.</summary>
    public FusedLikelihood(LstmGenerator generator, RowParallel parallel)
    {
        (_generator, _parallel) = (generator, parallel);
        _vocabulary = new VocabularyLikelihood(generator.Format.Vocabulary, generator.Options.Hidden);
    }

    private int Embedding => _generator.Options.Embedding;

    private int Hidden => _generator.Options.Hidden;

    /// <summary>
    /// The mean negative log-likelihood of a batch's tokens, in nats, through which gradients flow to every weight of the generator.
    /// </summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    /// <param name="dropout">See <see cref="IGenerator.Logits"/>; the same values are dropped.</param>
    /// <returns>A scalar of float32.</returns>
    /// <exception cref="ArgumentException">There is no token but padding.</exception>
    public Tensor Mean(Tensor ids, DropoutDraw? dropout = null)
    {
        if (!is_grad_enabled())
        {
            return tensor((float)(Measure(ids, dropout, null, null, out int measured) / measured));
        }

        var parameters = new Gradients(_generator);
        double total = Measure(ids, dropout, null, parameters, out int tokens);
        return Value(total / tokens, parameters);
    }

    /// <summary>
    /// The sum over a batch's tokens of weight times negative log-likelihood, in nats, through which gradients flow to every weight of the generator:
    /// a policy gradient's objective.
    /// </summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    /// <param name="weights">[B, T] of float32, of either sign; numbers, through which no gradient flows.</param>
    /// <returns>A scalar of float32.</returns>
    /// <exception cref="ArgumentException">There is no token but padding.</exception>
    public Tensor WeightedSum(Tensor ids, Tensor weights)
    {
        var parameters = new Gradients(_generator);
        double total = Measure(ids, null, weights, parameters, out _);
        return Value(total, parameters);
    }

    /// <summary>The summed negative log-likelihood of a batch's tokens, in nats, without gradients.</summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    /// <exception cref="ArgumentException">There is no token but padding.</exception>
    public double Sum(Tensor ids) => Measure(ids, null, null, null, out _);

    /// <summary>The same of each sequence, [B].</summary>
    /// <param name="ids">[B, T] of int64; padding counts for nothing.</param>
    /// <exception cref="ArgumentException">There is no token but padding.</exception>
    public double[] Sums(Tensor ids)
    {
        Measure(ids, null, null, null, out int tokens);
        double[] sums = new double[ids.shape[0]];
        for (int token = 0; token < tokens; token++)
        {
            sums[_places[token] % sums.Length] += _losses!.Pointer[token];
        }

        return sums;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _vocabulary.Dispose();
        Free();
    }

    private Tensor Value(double loss, Gradients gradients) =>
        FusedNode.Apply(() => tensor((float)loss), outer => gradients.Times(outer.item<float>()), _generator.FusedParameters);

    // The sum of the losses, weighted where there are weights; the gradients are those of that weighted sum, or else of the mean.
    private double Measure(Tensor ids, DropoutDraw? dropout, Tensor? weights, Gradients? gradients, out int tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        int batch = (int)ids.shape[0], time = (int)ids.shape[1];
        Reserve(batch, time);
        int steps = ReadTokens(ids, batch, time, out tokens);
        if (tokens == 0)
        {
            throw new ArgumentException("There is no token but padding.", nameof(ids));
        }

        LstmGenerator.CellParameters cell = _generator.CellWeights;
        _lstm!.Pack(Pointer(cell.Input), Pointer(cell.Hidden), Pointer(cell.InputBias), Pointer(cell.HiddenBias));
        Tensor bias = _generator.EffectiveBias();
        _vocabulary.Pack(_parallel, Pointer(_generator.OutputWeight), Pointer(bias));
        float* inputFactors = Pointer(DropoutDraw.Factors([batch, time, Embedding], dropout, "inputs"));
        float* hiddenFactors = Pointer(DropoutDraw.Factors([batch, time, Hidden], dropout, "hidden"));

        _lstm.ClearStates();
        float* table = Pointer(_generator.EmbeddingWeight);
        for (int place = 0; place < steps * batch; place++)
        {
            Multiply(table + (nint)_inputs[place] * Embedding, Factors(inputFactors, place, batch, time, Embedding),
                _lstm.Input(0) + (nint)place * Embedding, Embedding);
        }

        _lstm.ForwardAll(steps);
        for (int token = 0; token < tokens; token++)
        {
            int place = _places[token];
            Multiply(_lstm.Hidden(1) + (nint)place * Hidden, Factors(hiddenFactors, place, batch, time, Hidden),
                _hidden!.Pointer + (nint)token * Hidden, Hidden);
        }

        float* scales = weights is null ? null : _scales!.Pointer, given = Pointer(weights?.contiguous());
        for (int token = 0; weights is not null && token < tokens; token++)
        {
            scales[token] = given[(nint)(_places[token] % batch) * time + _places[token] / batch];
        }

        fixed (int* targets = _targets)
        {
            _vocabulary.Forward(_parallel, _hidden!.Pointer, targets, _losses!.Pointer, tokens, gradients is null ? null : new LikelihoodGradients
            {
                Scale = 1f / tokens,
                Scales = scales,
                Hidden = _hiddenGradient!.Pointer,
                Weight = Pointer(gradients.OutputWeight),
                Bias = Pointer(gradients.OutputBias),
            });
        }

        if (gradients is not null)
        {
            Backward(gradients, steps, batch, time, tokens, inputFactors, hiddenFactors);
        }

        double total = 0;
        for (int token = 0; token < tokens; token++)
        {
            total += scales == null ? _losses!.Pointer[token] : (double)scales[token] * _losses!.Pointer[token];
        }

        return total;
    }

    private void Backward(Gradients gradients, int steps, int batch, int time, int tokens, float* inputFactors, float* hiddenFactors)
    {
        if (tokens < steps * batch)
        {
            new Span<float>(_placedGradient!.Pointer, steps * batch * Hidden).Clear();
        }

        for (int token = 0; token < tokens; token++)
        {
            int place = _places[token];
            Multiply(_hiddenGradient!.Pointer + (nint)token * Hidden, Factors(hiddenFactors, place, batch, time, Hidden),
                _placedGradient!.Pointer + (nint)place * Hidden, Hidden);
        }

        _lstm!.ClearGradients();
        _lstm.BackwardAll(steps, _placedGradient!.Pointer, null, _inputGradient!.Pointer);
        _lstm.WeightGradients(steps, Pointer(gradients.InputWeight), Pointer(gradients.HiddenWeight), Pointer(gradients.GateBias));
        float* embedding = Pointer(gradients.Embedding);
        for (int place = 0; place < steps * batch; place++)
        {
            float* gradient = _inputGradient.Pointer + (nint)place * Embedding, factors = Factors(inputFactors, place, batch, time, Embedding);
            float* target = embedding + (nint)_inputs[place] * Embedding;
            for (int i = 0; i < Embedding; i++)
            {
                target[i] += factors == null ? gradient[i] : gradient[i] * factors[i];
            }
        }
    }

    /// <summary>What each place reads and which places hold tokens, step by step; returns the steps up to the last token.</summary>
    private int ReadTokens(Tensor ids, int batch, int time, out int tokens)
    {
        Tensor contiguous = ids.contiguous();
        ReadOnlySpan<long> values = MemoryMarshal.Cast<byte, long>(contiguous.bytes);
        long padding = _generator.Format.PaddingId ?? -1;
        tokens = 0;
        int steps = 0;
        for (int t = 0; t < time; t++)
        {
            for (int row = 0; row < batch; row++)
            {
                int place = t * batch + row;
                _inputs[place] = t == 0 ? _generator.Format.BeginId : (int)values[row * time + t - 1];
                if (values[row * time + t] != padding)
                {
                    (_places[tokens], _targets[tokens]) = (place, (int)values[row * time + t]);
                    tokens++;
                    steps = t + 1;
                }
            }
        }

        return steps;
    }

    private void Reserve(int batch, int time)
    {
        if (batch > _batch || time > _time)
        {
            (_batch, _time) = (Math.Max(batch, _batch), Math.Max(time, _time));
            Free();
            nint places = (nint)_batch * _time;
            _lstm = new LstmSequence(_parallel, _batch, _time, Embedding, Hidden);
            (_hidden, _hiddenGradient, _placedGradient) = (new(places * Hidden), new(places * Hidden), new(places * Hidden));
            (_inputGradient, _losses, _scales) = (new(places * Embedding), new(places), new(places));
            (_inputs, _targets, _places) = (new int[places], new int[places], new int[places]);
        }

        _lstm!.Batch = batch;
    }

    private void Free()
    {
        foreach (IDisposable? part in (IDisposable?[])[_lstm, _hidden, _hiddenGradient, _placedGradient, _inputGradient, _losses, _scales])
        {
            part?.Dispose();
        }
    }

    // Dropout's factors are laid out [B, T, width], everything else time first.
    private static float* Factors(float* factors, int place, int batch, int time, int width) =>
        factors == null ? null : factors + ((nint)(place % batch) * time + place / batch) * width;

    private static void Multiply(float* source, float* factors, float* destination, int width)
    {
        if (factors == null)
        {
            new ReadOnlySpan<float>(source, width).CopyTo(new Span<float>(destination, width));
            return;
        }

        for (int i = 0; i < width; i++)
        {
            destination[i] = source[i] * factors[i];
        }
    }

    /// <summary>One gradient for each of <see cref="LstmGenerator.FusedParameters"/>, in the scope of the caller's step.</summary>
    private sealed class Gradients(LstmGenerator generator)
    {
        public Tensor Embedding { get; } = zeros(generator.Format.Vocabulary, generator.Options.Embedding);

        public Tensor OutputWeight { get; } = empty(generator.Format.Vocabulary, generator.Options.Hidden);

        public Tensor OutputBias { get; } = empty(generator.Format.Vocabulary);

        public Tensor InputWeight { get; } = empty(4 * generator.Options.Hidden, generator.Options.Embedding);

        public Tensor HiddenWeight { get; } = empty(4 * generator.Options.Hidden, generator.Options.Hidden);

        public Tensor GateBias { get; } = empty(4 * generator.Options.Hidden);

        public IEnumerable<Tensor?> Times(float factor)
        {
            Tensor[] gradients = [Embedding, OutputWeight, OutputBias, InputWeight, HiddenWeight, GateBias, GateBias];
            // Both biases have the same gradient, but each needs its own memory.
            return gradients.Select((gradient, i) => factor != 1f ? gradient * factor : i < 6 ? gradient : gradient.clone());
        }
    }
}
