using GumbelGan.Engine;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// An LSTM language model that can also be rolled out with relaxed samples: token embedding, LSTM layers, output layer to vocabulary logits.
/// Trained by maximum likelihood on real sequences, or by a discriminator's gradient through <see cref="Relax"/>.
/// </summary>
/// <remarks>
/// B batch, T time, V vocabulary, E embedding, H hidden. Parameter names and shapes are PyTorch's: <c>embedding.weight</c> [V, E],
/// <c>cell0.weight_ih</c> [4H, E] and so on for each layer, <c>output.weight</c> [V, H], <c>output.bias</c> [V].
/// Logits of ids that are never generated (padding, begin) are lowered by <see cref="NeverLogit"/>, which leaves them no probability in float32.
/// </remarks>
public sealed partial class LstmGenerator : nn.Module
{
    /// <summary>What is added to the logit of an id that is never generated; finite, so that nothing times it is NaN.</summary>
    public const float NeverLogit = -1e9f;

    private readonly Embedding embedding;
    private readonly Linear output;
    private readonly Tensor never;
    private readonly LSTMCell[] _cells;

    /// <summary>A generator of sequences of <paramref name="format"/>, its weights drawn from <paramref name="initialisation"/>.</summary>
    public LstmGenerator(GeneratorOptions options, SequenceFormat format, RandomKey initialisation)
        : base(nameof(LstmGenerator))
    {
        Options = options;
        Format = format;
        embedding = nn.Embedding(format.Vocabulary, options.Embedding);
        _cells = [.. Enumerable.Range(0, options.Layers)
            .Select(layer => nn.LSTMCell(layer == 0 ? options.Embedding : options.Hidden, options.Hidden))];
        output = nn.Linear(options.Hidden, format.Vocabulary);
        never = NeverGeneratedLogits(format); // [V]
        RegisterComponents();
        for (int layer = 0; layer < _cells.Length; layer++)
        {
            register_module($"cell{layer}", _cells[layer]);
        }

        Initialise(initialisation);
    }

    /// <summary>The sizes it was built with.</summary>
    public GeneratorOptions Options { get; }

    /// <summary>The sequences that it generates.</summary>
    public SequenceFormat Format { get; }

    /// <summary>Where its weights are.</summary>
    public Device Device => output.weight!.device;

    /// <summary>Whether plain tensor operations are used even where a fused pass serves: to compare the two.</summary>
    public bool IsComposed { get; set; }

    // Fused passes are made for one layer on the CPU. This is the one place that decides.
    private bool IsFused => !IsComposed && Options.Layers == 1 && Device.type == DeviceType.CPU;

    internal Parameter EmbeddingWeight => embedding.weight!;

    internal Parameter OutputWeight => output.weight!;

    /// <summary>What <see cref="FusedRollout"/> takes gradients of, in the order of its backward pass.</summary>
    internal Parameter[] FusedParameters =>
        [embedding.weight!, output.weight!, output.bias!, _cells[0].weight_ih!, _cells[0].weight_hh!, _cells[0].bias_ih!, _cells[0].bias_hh!];

    internal CellParameters CellWeights => new(_cells[0].weight_ih!, _cells[0].weight_hh!, _cells[0].bias_ih!, _cells[0].bias_hh!);

    /// <summary>Teacher-forced logits: what the model expects at each place, given the true tokens before it.</summary>
    /// <param name="ids">[B, T] of int64, T at most <see cref="SequenceFormat.Length"/>.</param>
    /// <param name="dropout">Drops embedded inputs and hidden outputs while learning; null when measuring.</param>
    /// <returns>[B, T, V].</returns>
    public Tensor Logits(Tensor ids, Dropout? dropout = null) =>
        nn.functional.linear(Drop(HiddenStates(ids, dropout), dropout, "hidden"), output.weight!, EffectiveBias()); // [B, T, V]

    /// <summary>The last layer's hidden states on the way to <see cref="Logits"/>.</summary>
    /// <param name="ids">[B, T] of int64, T at most <see cref="SequenceFormat.Length"/>.</param>
    /// <param name="dropout">Drops embedded inputs; null when measuring.</param>
    /// <returns>[B, T, H]: at place t, after reading the begin id and the t tokens before it.</returns>
    public Tensor HiddenStates(Tensor ids, Dropout? dropout = null)
    {
        long batch = ids.shape[0], time = ids.shape[1];
        Tensor begin = full([batch, 1], Format.BeginId, ScalarType.Int64, ids.device);
        Tensor inputs = Drop(embedding.call(cat([begin, ids.narrow(1, 0, time - 1)], 1)), dropout, "inputs"); // [B, T, E]
        State state = ZeroState(batch);
        var hidden = new Tensor[time];
        for (int t = 0; t < time; t++)
        {
            hidden[t] = Step(inputs.select(1, t), ref state); // [B, H]
        }

        return stack(hidden, 1); // [B, T, H]
    }

    /// <summary>The negative log-likelihood of each token, in nats, 0 at padding.</summary>
    /// <param name="ids">[B, T] of int64.</param>
    /// <param name="dropout">See <see cref="Logits"/>.</param>
    /// <returns>[B, T].</returns>
    public Tensor TokenNegativeLogLikelihood(Tensor ids, Dropout? dropout = null)
    {
        Tensor logits = Logits(ids, dropout); // [B, T, V]
        Tensor losses = nn.functional.cross_entropy(
            logits.view(-1, Format.Vocabulary), ids.reshape(-1), ignore_index: Format.PaddingId ?? -100, reduction: nn.Reduction.None); // [B * T]
        return losses.view(ids.shape);
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

    private Tensor Step(Tensor input, ref State state)
    {
        Tensor below = input; // [B, E]
        (Tensor Hidden, Tensor Cell)[] next = new (Tensor, Tensor)[_cells.Length];
        for (int layer = 0; layer < _cells.Length; layer++)
        {
            next[layer] = _cells[layer].call(below, state.Layers[layer]);
            below = next[layer].Hidden; // [B, H]
        }

        state = new State(next);
        return below;
    }

    private static Tensor Drop(Tensor values, Dropout? dropout, string place) =>
        DropoutFactors(values.shape, dropout, place) is { } factors ? values * factors.to(values.device) : values;

    /// <summary>What dropout multiplies values of <paramref name="shape"/> by, on the CPU; null where nothing is dropped.</summary>
    internal static Tensor? DropoutFactors(long[] shape, Dropout? dropout, string place)
    {
        if (dropout is not { Share: > 0 } active)
        {
            return null;
        }

        Tensor factors = empty(shape);
        RandomFill.Dropout(active.Key.Derive(place), active.Share, TensorMemory.Numbers(factors));
        return factors;
    }

    internal Tensor EffectiveBias() => output.bias! + never; // [V]

    private State ZeroState(long batch) =>
        new([.. _cells.Select(_ => (zeros(batch, Options.Hidden, device: Device), zeros(batch, Options.Hidden, device: Device)))]);

    private void Initialise(RandomKey key)
    {
        // PyTorch's own ranges, but drawn from our stream: the embedding standard normal, the rest uniform in +-1/sqrt(fan).
        float bound = 1 / MathF.Sqrt(Options.Hidden);
        foreach ((string name, Parameter parameter) in named_parameters())
        {
            if (name == "embedding.weight")
            {
                RandomFill.Normal(key.Derive(name), TensorMemory.Numbers(parameter));
            }
            else
            {
                RandomFill.Uniform(key.Derive(name), -bound, bound, TensorMemory.Numbers(parameter));
            }
        }
    }

    private static Tensor NeverGeneratedLogits(SequenceFormat format)
    {
        float[] values = new float[format.Vocabulary];
        foreach (int id in format.NeverGenerated)
        {
            values[id] = NeverLogit;
        }

        return tensor(values);
    }

    /// <summary>The weights of one LSTM cell: [4H, E], [4H, H], [4H], [4H].</summary>
    internal readonly record struct CellParameters(Parameter Input, Parameter Hidden, Parameter InputBias, Parameter HiddenBias);

    /// <summary>Dropout (Srivastava et al. 2014), scaled so that the mean stays.</summary>
    /// <param name="Share">Of the values that is set to zero, in [0, 1).</param>
    /// <param name="Key">Keys which.</param>
    public readonly record struct Dropout(double Share, RandomKey Key);

    /// <summary>What each layer remembers: hidden and cell state, [B, H] each.</summary>
    private readonly record struct State((Tensor Hidden, Tensor Cell)[] Layers);
}
