using GumbelGan.Engine;
using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// A generator that reads one token at a time: token embedding, a recurrent core, output layer to vocabulary logits. A kind of it says what the core
/// does in one step; all that a generator is asked for follows from that here, in plain tensor operations. These define what faster ways must give.
/// </summary>
/// <remarks>
/// B batch, T time, V vocabulary, E embedding, H what the core hands to the output layer. Parameters: <c>embedding.weight</c> [V, E],
/// <c>output.weight</c> [V, H], <c>output.bias</c> [V], and the core's. Logits of ids that are never generated (padding, begin) are lowered by
/// <see cref="NeverLogit"/>, which leaves them no probability in float32.
/// </remarks>
public abstract partial class RecurrentGenerator : nn.Module, IGenerator
{
    /// <summary>What is added to the logit of an id that is never generated; finite, so that nothing times it is NaN.</summary>
    public const float NeverLogit = -1e9f;

    private const string Never = "never";
    private readonly Embedding _embedding;
    private readonly Linear _output;
    private readonly GeneratorOptions _options;

    /// <summary>Embedding and output layer; the derived class registers its core and then draws the weights.</summary>
    /// <param name="name">Of the module.</param>
    /// <param name="options">Sizes and habits.</param>
    /// <param name="format">The sequences.</param>
    /// <param name="hidden">H.</param>
    protected RecurrentGenerator(string name, GeneratorOptions options, SequenceFormat format, int hidden)
        : base(name)
    {
        (_options, Format) = (options, format);
        _embedding = nn.Embedding(format.Vocabulary, options.Embedding);
        _output = nn.Linear(hidden, format.Vocabulary);
        register_module("embedding", _embedding);
        register_module("output", _output);
        register_buffer(Never, NeverGeneratedLogits(format)); // [V]
    }

    /// <inheritdoc/>
    public SequenceFormat Format { get; }

    /// <inheritdoc/>
    public Device Device => _output.weight!.device;

    /// <inheritdoc/>
    public bool IsComposed { get; set; }

    nn.Module IGenerator.Module => this;

    // Not a public property: a kind has one of its own type, and TorchSharp moves no module with two properties of one name.
    GeneratorOptions IGenerator.Options => _options;

    internal Parameter EmbeddingWeight => _embedding.weight!;

    internal Parameter OutputWeight => _output.weight!;

    internal Parameter OutputBias => _output.bias!;

    /// <inheritdoc/>
    public Tensor Logits(Tensor ids, DropoutDraw? dropout = null) => LogitsOf(DropoutDraw.Drop(HiddenStates(ids, dropout), dropout, "hidden"));

    /// <inheritdoc/>
    public Tensor LogitsOf(Tensor hidden) => nn.functional.linear(hidden, OutputWeight, EffectiveBias()); // [B, T, V]

    /// <inheritdoc/>
    public Tensor HiddenStates(Tensor ids, DropoutDraw? dropout = null)
    {
        long batch = ids.shape[0], time = ids.shape[1];
        Tensor begin = full([batch, 1], Format.BeginId, ScalarType.Int64, ids.device);
        Tensor inputs = DropoutDraw.Drop(_embedding.call(cat([begin, ids.narrow(1, 0, time - 1)], 1)), dropout, "inputs"); // [B, T, E]
        Tensor[] state = ZeroState(batch);
        var hidden = new Tensor[time];
        for (int t = 0; t < time; t++)
        {
            (hidden[t], state) = Step(inputs.select(1, t), state); // [B, H]
        }

        return stack(hidden, 1); // [B, T, H]
    }

    /// <inheritdoc/>
    public Tensor TokenNegativeLogLikelihood(Tensor ids, DropoutDraw? dropout = null)
    {
        Tensor logits = Logits(ids, dropout); // [B, T, V]
        Tensor losses = nn.functional.cross_entropy(
            logits.view(-1, Format.Vocabulary), ids.reshape(-1), ignore_index: Format.PaddingId ?? -100, reduction: nn.Reduction.None); // [B * T]
        return losses.view(ids.shape);
    }

    /// <inheritdoc/>
    public virtual Tensor MeanNegativeLogLikelihood(Tensor ids, DropoutDraw? dropout = null)
    {
        Tensor losses = TokenNegativeLogLikelihood(ids, dropout); // [B, T]
        return Format.PaddingId is { } padding ? losses.sum() / ids.ne(padding).sum(ScalarType.Float32) : losses.mean();
    }

    /// <inheritdoc/>
    public virtual Tensor WeightedNegativeLogLikelihood(Tensor ids, Tensor weights) => (weights * TokenNegativeLogLikelihood(ids)).sum();

    /// <inheritdoc/>
    public virtual double SumNegativeLogLikelihood(Tensor ids)
    {
        using IDisposable off = no_grad();
        return TokenNegativeLogLikelihood(ids).sum(ScalarType.Float64).item<double>();
    }

    /// <inheritdoc/>
    public virtual double[] SequenceNegativeLogLikelihoods(Tensor ids)
    {
        using IDisposable off = no_grad();
        return TokenNegativeLogLikelihood(ids).to(ScalarType.Float64).sum(1).cpu().data<double>().ToArray();
    }

    /// <inheritdoc/>
    public void Temper(double temperature)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        using IDisposable off = no_grad();
        OutputWeight.div_(temperature);
        OutputBias.div_(temperature);
    }

    /// <summary>One step of the core.</summary>
    /// <param name="input">[B, E], the embedded token or relaxed sample.</param>
    /// <param name="state">What the core remembers: tensors whose first dimension is B.</param>
    /// <returns>[B, H], and the state after it.</returns>
    protected abstract (Tensor Hidden, Tensor[] State) Step(Tensor input, Tensor[] state);

    /// <summary>What the core remembers before it has read anything.</summary>
    protected abstract Tensor[] ZeroState(long batch);

    /// <summary>What the core remembers before a roll-out or a sample, where that is drawn.</summary>
    protected virtual Tensor[] InitialState(int batch, RandomKey noise) => ZeroState(batch);

    /// <summary>Draws every weight from our own stream in PyTorch's ranges: the embedding standard normal, the rest uniform.</summary>
    /// <param name="key">Keys each weight, under its name.</param>
    /// <param name="bound">The uniform numbers lie between this and its negative.</param>
    protected void Initialise(RandomKey key, float bound)
    {
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

    internal Tensor EffectiveBias() => OutputBias + get_buffer(Never)!; // [V]

    private static Tensor NeverGeneratedLogits(SequenceFormat format)
    {
        float[] values = new float[format.Vocabulary];
        foreach (int id in format.NeverGenerated)
        {
            values[id] = NeverLogit;
        }

        return tensor(values);
    }
}
