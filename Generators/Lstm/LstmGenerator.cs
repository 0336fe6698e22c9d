using GumbelGan.Engine;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// An LSTM language model that can also be rolled out with relaxed samples: token embedding, LSTM layers, output layer to vocabulary logits.
/// </summary>
/// <remarks>
/// B batch, E embedding, H hidden. Parameter names and shapes are PyTorch's: beside embedding and output layer, for each layer
/// <c>cell0.weight_ih</c> [4H, E], <c>cell0.weight_hh</c> [4H, H], <c>cell0.bias_ih</c> and <c>cell0.bias_hh</c> [4H].
/// One layer on the CPU has fused passes, each held to the composed way that <see cref="RecurrentGenerator"/> defines.
/// </remarks>
public sealed class LstmGenerator : RecurrentGenerator
{
    private readonly LSTMCell[] _cells;
    private FusedSampling? _sampling;
    private FusedLikelihood? _likelihood;

    /// <summary>A generator of sequences of <paramref name="format"/>, its weights drawn from <paramref name="initialisation"/>.</summary>
    public LstmGenerator(LstmGeneratorOptions options, SequenceFormat format, RandomKey initialisation)
        : base(nameof(LstmGenerator), options, format, options.Hidden)
    {
        Options = options;
        _cells = [.. Enumerable.Range(0, options.Layers)
            .Select(layer => nn.LSTMCell(layer == 0 ? options.Embedding : options.Hidden, options.Hidden))];
        for (int layer = 0; layer < _cells.Length; layer++)
        {
            register_module($"cell{layer}", _cells[layer]);
        }

        Initialise(initialisation, 1 / MathF.Sqrt(options.Hidden));
    }

    /// <summary>The sizes it was built with.</summary>
    public LstmGeneratorOptions Options { get; }

    // Fused passes are made for one layer on the CPU. This is the one place that decides.
    private bool IsFused => !IsComposed && Options.Layers == 1 && Device.type == DeviceType.CPU;

    private FusedSampling Sampling => _sampling ??= new FusedSampling(this);

    private FusedLikelihood Likelihood => _likelihood ??= new FusedLikelihood(this, RowParallel.Shared(get_num_threads()));

    /// <summary>What the fused passes take gradients of, in the order of their backward passes.</summary>
    internal Parameter[] FusedParameters =>
        [EmbeddingWeight, OutputWeight, OutputBias, CellWeights.Input, CellWeights.Hidden, CellWeights.InputBias, CellWeights.HiddenBias];

    internal CellParameters CellWeights => new(_cells[0].weight_ih!, _cells[0].weight_hh!, _cells[0].bias_ih!, _cells[0].bias_hh!);

    /// <inheritdoc/>
    protected override Tensor SampleChecked(int batch, SamplingRule rule, RandomKey noise, IReadOnlyList<int> prefix) =>
        IsFused ? Sampling.Sample(batch, rule, noise, prefix) : base.SampleChecked(batch, rule, noise, prefix);

    /// <inheritdoc/>
    public override (Tensor Ids, int[] Origins) Complete(Tensor ids, int copies, RandomKey noise)
    {
        using IDisposable off = no_grad();
        return IsFused ? Sampling.Complete(ids, copies, noise) : CompleteComposed(ids, copies, noise);
    }

    /// <inheritdoc/>
    public override IRollout RollOut(int batch, int discriminatorWidth, int minimumTime, Relaxation relaxation) =>
        IsFused && Options.Ending == Ending.Mask && FusedRollout.Serves(relaxation)
            ? new FusedRollout(this, batch, discriminatorWidth, RowParallel.Shared(get_num_threads()), relaxation, minimumTime)
            : base.RollOut(batch, discriminatorWidth, minimumTime, relaxation);

    /// <inheritdoc/>
    public override Tensor MeanNegativeLogLikelihood(Tensor ids, DropoutDraw? dropout = null) =>
        IsFused ? Likelihood.Mean(ids, dropout) : base.MeanNegativeLogLikelihood(ids, dropout);

    /// <inheritdoc/>
    public override Tensor WeightedNegativeLogLikelihood(Tensor ids, Tensor weights) =>
        IsFused ? Likelihood.WeightedSum(ids, weights) : base.WeightedNegativeLogLikelihood(ids, weights);

    /// <inheritdoc/>
    public override double SumNegativeLogLikelihood(Tensor ids)
    {
        using IDisposable off = no_grad();
        return IsFused ? Likelihood.Sum(ids) : base.SumNegativeLogLikelihood(ids);
    }

    /// <inheritdoc/>
    public override double[] SequenceNegativeLogLikelihoods(Tensor ids)
    {
        using IDisposable off = no_grad();
        return IsFused ? Likelihood.Sums(ids) : base.SequenceNegativeLogLikelihoods(ids);
    }

    /// <inheritdoc/>
    protected override (Tensor Hidden, Tensor[] State) Step(Tensor input, Tensor[] state)
    {
        Tensor below = input; // [B, E]
        var next = new Tensor[2 * _cells.Length]; // hidden and cell state of each layer, [B, H] each
        for (int layer = 0; layer < _cells.Length; layer++)
        {
            (next[2 * layer], next[2 * layer + 1]) = _cells[layer].call(below, (state[2 * layer], state[2 * layer + 1]));
            below = next[2 * layer]; // [B, H]
        }

        return (below, next);
    }

    /// <inheritdoc/>
    protected override Tensor[] ZeroState(long batch) =>
        [.. Enumerable.Range(0, 2 * _cells.Length).Select(_ => zeros(batch, Options.Hidden, OutputWeight.dtype, Device))];

    /// <inheritdoc/>
    protected override Tensor[] InitialState(int batch, RandomKey noise)
    {
        Tensor[] state = ZeroState(batch);
        for (int layer = 0; layer < _cells.Length && Options.NoisyInitialState; layer++)
        {
            Tensor drawn = empty(batch, Options.Hidden); // [B, H]
            RandomFill.Normal(noise.Derive("initial state").Derive((ulong)layer), TensorMemory.Numbers(drawn));
            state[2 * layer + 1].copy_(drawn);
        }

        return state;
    }

    /// <summary>Draws the first layer's initial cell state [B, H] where the options ask for noise; else leaves it.</summary>
    internal void FillInitialCell(RandomKey noise, Span<float> cell)
    {
        if (Options.NoisyInitialState)
        {
            RandomFill.Normal(noise.Derive("initial state").Derive(0), cell);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _sampling?.Dispose();
            _likelihood?.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>The weights of one LSTM cell: [4H, E], [4H, H], [4H], [4H].</summary>
    internal readonly record struct CellParameters(Parameter Input, Parameter Hidden, Parameter InputBias, Parameter HiddenBias);
}
