using GumbelGan.Engine;
using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// A generator whose core is a relational memory (Santoro et al. 2018, "Relational recurrent neural networks", equations 1 to 10): rows of a memory
/// attend to each other and to the input, and a gated update, as in an LSTM, writes the result. RelGAN's generator (Nie et al. 2019), as its
/// authors' code has it (utils/models/relational_memory.py).
/// </summary>
/// <remarks>
/// <para>
/// B batch, S slots, M width of a row (heads times head size), E embedding. Parameters: <c>input.*</c> [M, E], <c>projection.weight</c> [3M, M] with
/// its layer norm, <c>attended_norm.*</c>, <c>mlp0.*</c>, <c>mlp1.*</c> [M, M], <c>mlp_norm.*</c>, <c>input_gates.weight</c> and
/// <c>memory_gates.weight</c> [2M, M]. Its passes are composed.
/// </para>
/// <para>
/// From that code: queries are divided by the root of a head's queries, keys and values together, 3 head sizes; layer norms take mean and deviation
/// over all rows of a memory at once, where Santoro et al. take each row's; both gates read projected inputs, the second bias is 1. Weights are drawn
/// from a normal cut at two deviations, of deviation 1/sqrt(V) for the embedding and 1/sqrt(fan-in) else; biases are zero.
/// </para>
/// </remarks>
public sealed class RelationalMemoryGenerator : RecurrentGenerator
{
    private readonly RelationalMemoryGeneratorOptions _options;
    private readonly int _width;
    private readonly Linear _input, _projection, _mlp0, _mlp1, _inputGates, _memoryGates;
    private readonly LayerNorm _projectionNorm, _attendedNorm, _mlpNorm;

    /// <summary>See <see cref="GeneratorOptions.Create"/>.</summary>
    public RelationalMemoryGenerator(RelationalMemoryGeneratorOptions options, SequenceFormat format, RandomKey initialisation)
        : base(nameof(RelationalMemoryGenerator), options, format, options.Slots * options.Heads * options.HeadSize)
    {
        (_options, _width) = (options, options.Heads * options.HeadSize);
        register_module("input", _input = nn.Linear(options.Embedding, _width));
        register_module("projection", _projection = nn.Linear(_width, 3 * _width, hasBias: false));
        register_module("projection_norm", _projectionNorm = nn.LayerNorm(3 * _width));
        register_module("attended_norm", _attendedNorm = nn.LayerNorm(_width));
        register_module("mlp0", _mlp0 = nn.Linear(_width, _width));
        register_module("mlp1", _mlp1 = nn.Linear(_width, _width));
        register_module("mlp_norm", _mlpNorm = nn.LayerNorm(_width));
        register_module("input_gates", _inputGates = nn.Linear(_width, 2 * _width, hasBias: false));
        register_module("memory_gates", _memoryGates = nn.Linear(_width, 2 * _width, hasBias: false));
        Initialise(initialisation);
    }

    /// <inheritdoc/>
    protected override (Tensor Hidden, Tensor[] State) Step(Tensor input, Tensor[] state)
    {
        Tensor memory = state[0], row = _input.call(input).unsqueeze(1); // [B, S, M], [B, 1, M]
        Tensor rows = cat([memory, row], 1); // [B, S + 1, M]
        Tensor attended = Normalised(rows + Attend(rows), _attendedNorm); // [B, S + 1, M]
        Tensor thought = Normalised(attended + _mlp1.call(_mlp0.call(attended).relu()), _mlpNorm); // [B, S + 1, M]
        Tensor candidate = thought.narrow(1, 0, _options.Slots); // [B, S, M]
        Tensor gates = _inputGates.call(row) + _memoryGates.call(memory.tanh()); // [B, S, 2M]
        Tensor write = gates.narrow(2, 0, _width).sigmoid(), keep = (gates.narrow(2, _width, _width) + 1).sigmoid(); // [B, S, M] each
        Tensor next = write * candidate.tanh() + keep * memory; // [B, S, M]
        return (next.view(input.shape[0], _options.Slots * _width), [next]); // [B, S * M]
    }

    /// <summary>The memory's rows differ from the start where there are several: row s is the s-th unit vector.</summary>
    protected override Tensor[] ZeroState(long batch) => [eye(_options.Slots, _width, device: Device).unsqueeze(0).repeat(batch, 1, 1)]; // [B, S, M]

    private Tensor Attend(Tensor rows)
    {
        long batch = rows.shape[0], count = rows.shape[1];
        int heads = _options.Heads, size = _options.HeadSize;
        // [B, heads, N, 3 size]
        Tensor projected = Normalised(_projection.call(rows), _projectionNorm).view(batch, count, heads, 3 * size).transpose(1, 2);
        Tensor queries = projected.narrow(3, 0, size) / Math.Sqrt(3 * size), keys = projected.narrow(3, size, size);
        Tensor values = projected.narrow(3, 2 * size, size).reshape(batch * heads, count, size); // [B * heads, N, size]
        Tensor weights = queries.reshape(batch * heads, count, size)
            .bmm(keys.reshape(batch * heads, count, size).transpose(1, 2)).softmax(-1); // [B * heads, N, N]
        return weights.bmm(values).view(batch, heads, count, size).transpose(1, 2).reshape(batch, count, _width); // [B, N, M]
    }

    private static Tensor Normalised(Tensor rows, LayerNorm norm) =>
        nn.functional.layer_norm(rows, rows.shape[1..]) * norm.weight! + norm.bias!;

    private void Initialise(RandomKey key)
    {
        using IDisposable off = no_grad();
        foreach ((string name, Parameter parameter) in named_parameters())
        {
            if (parameter.dim() == 2)
            {
                long fanIn = parameter.shape[name == "embedding.weight" ? 0 : 1];
                RandomFill.TruncatedNormal(key.Derive(name), (float)(1 / Math.Sqrt(fanIn)), TensorMemory.Numbers(parameter));
            }
            else if (name.EndsWith(".bias", StringComparison.Ordinal))
            {
                parameter.zero_();
            }
        }
    }
}
