using GumbelGan.Generators;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>
/// The LSTM generator with a copy of its weights for each sequence of a batch. The copies are separate leaves of the graph, so that one backward pass
/// gives the gradient of each sequence by itself, which a variance needs.
/// </summary>
/// <remarks>
/// B sequences, T time, V vocabulary, E embedding, H hidden, P parameters. <see cref="LstmGenerator"/> defines the model; a test compares the two.
/// </remarks>
internal sealed class PerSequenceGenerator
{
    private readonly LstmGenerator _generator;
    private readonly Tensor[] _leaves;
    private readonly Tensor _never;
    private readonly long _batch;

    /// <summary>
    /// Copies of the weights of <paramref name="generator"/> for <paramref name="batch"/> sequences, in the caller's dispose scope.
    /// </summary>
    public PerSequenceGenerator(LstmGenerator generator, long batch)
    {
        (_generator, _batch) = (generator, batch);
        _leaves = [.. generator.parameters()
            .Select(parameter => parameter.detach().unsqueeze(0).expand([batch, .. parameter.shape]).clone().requires_grad_())];
        double[] never = new double[Format.Vocabulary];
        foreach (int id in Format.NeverGenerated)
        {
            never[id] = LstmGenerator.NeverLogit;
        }

        _never = tensor(never); // [V]
        string[] names = [.. generator.named_parameters().Select(named => named.name)];
        Tensor Leaf(string name) => _leaves[Array.IndexOf(names, name)];
        Embedding = Leaf("embedding.weight");
        Output = Leaf("output.weight");
        OutputBias = Leaf("output.bias");
        Cells = [.. Enumerable.Range(0, generator.Options.Layers).Select(layer => new Cell(
            Leaf($"cell{layer}.weight_ih"), Leaf($"cell{layer}.weight_hh"), Leaf($"cell{layer}.bias_ih"), Leaf($"cell{layer}.bias_hh")))];
    }

    private SequenceFormat Format => _generator.Format;

    private Tensor Embedding { get; } // [B, V, E]

    private Tensor Output { get; } // [B, V, H]

    private Tensor OutputBias { get; } // [B, V]

    private Cell[] Cells { get; }

    /// <summary>How many parameters a generator has.</summary>
    public static int ParametersOf(LstmGenerator generator) => (int)generator.parameters().Sum(parameter => parameter.numel());

    /// <summary>How many sequences to take at once, so that their copies of the weights fit into the caches.</summary>
    public static int RowsFor(LstmGenerator generator) => Math.Clamp((1 << 20) / ParametersOf(generator), 16, 4096);

    /// <summary>Teacher-forced hidden states and logits, as <see cref="IGenerator.HiddenStates"/> and <see cref="IGenerator.Logits"/>.</summary>
    /// <param name="ids">[B, T] of int64.</param>
    /// <returns>[B, T, H] and [B, T, V].</returns>
    public (Tensor Hidden, Tensor Logits) Read(Tensor ids)
    {
        long time = ids.shape[1];
        Tensor begin = full([_batch, 1], Format.BeginId, ScalarType.Int64);
        Tensor inputs = bmm(OneHot(cat([begin, ids.narrow(1, 0, time - 1)], 1)), Embedding); // [B, T, E]
        State[] state = ZeroState();
        var steps = new Tensor[time];
        for (int t = 0; t < time; t++)
        {
            steps[t] = Step(inputs.select(1, t), state); // [B, H]
        }

        Tensor hidden = stack(steps, 1); // [B, T, H]
        return (hidden, bmm(hidden, Output.transpose(1, 2)) + OutputBias.unsqueeze(1) + _never); // [B, T, V]
    }

    /// <summary>The log-probability of sequences, in nats.</summary>
    /// <param name="ids">[B, T] of int64.</param>
    /// <returns>[B].</returns>
    public Tensor LogProbability(Tensor ids)
    {
        Tensor taken = Read(ids).Logits.log_softmax(-1).gather(-1, ids.unsqueeze(-1)).squeeze(-1); // [B, T]
        return (Format.PaddingId is { } padding ? taken * ids.ne(padding) : taken).sum(1); // [B]
    }

    /// <summary>Rolls out relaxed samples as <see cref="IGenerator.Relax"/> does.</summary>
    /// <param name="sampler">The relaxation, its temperature and its noise.</param>
    public RelaxedSequences Relax(RelaxedSampler sampler)
    {
        State[] state = ZeroState();
        Tensor input = Lookup(full([_batch], Format.BeginId, ScalarType.Int64)); // [B, E]
        Tensor alive = ones([_batch, 1], ScalarType.Bool); // [B, 1]
        Tensor? padding = Format.PaddingId is { } id ? OneHot(full([1], id, ScalarType.Int64)) : null; // [1, V]
        var oneHots = new Tensor[Format.Length];
        var ids = new Tensor[Format.Length];
        var masks = new Tensor[Format.Length];
        for (int t = 0; t < Format.Length; t++)
        {
            Tensor logits = bmm(Output, Step(input, state).unsqueeze(2)).squeeze(2) + OutputBias + _never; // [B, V]
            Tensor sample = sampler.Sample(t, logits); // [B, V]
            masks[t] = alive.to(ScalarType.Float64);
            sample = padding is null ? sample : where(alive, sample, padding);
            ids[t] = sample.argmax(-1); // [B]
            alive = Format.EndId is { } end ? alive.logical_and(ids[t].ne(end).unsqueeze(1)) : alive;
            oneHots[t] = sample;
            input = sampler.Feedback == Feedback.Relaxed ? Mix(sample) : Lookup(ids[t]).detach(); // [B, E]
        }

        return new RelaxedSequences(stack(oneHots, 1), stack(ids, 1), cat(masks, 1)); // [B, T, V], [B, T], [B, T]
    }

    /// <summary>The gradient of each sequence's value with respect to its own weights.</summary>
    /// <param name="values">[B], each a function of its own sequence's weights alone.</param>
    /// <returns>[B, P], in the order of the generator's parameters.</returns>
    public Tensor Gradients(Tensor values)
    {
        values.sum().backward();
        return cat([.. _leaves.Select(leaf => (leaf.grad ?? zeros_like(leaf)).reshape(_batch, -1))], 1);
    }

    private Tensor Step(Tensor input, State[] state)
    {
        Tensor below = input; // [B, E]
        for (int layer = 0; layer < Cells.Length; layer++)
        {
            (Cell cell, State before) = (Cells[layer], state[layer]);
            Tensor products = bmm(cell.Input, below.unsqueeze(2)) + bmm(cell.Hidden, before.Hidden.unsqueeze(2)); // [B, 4H, 1]
            Tensor[] gates = (products.squeeze(2) + cell.InputBias + cell.HiddenBias).chunk(4, 1); // in, forget, cell, out: [B, H] each
            Tensor memory = gates[1].sigmoid() * before.Memory + gates[0].sigmoid() * gates[2].tanh(); // [B, H]
            below = gates[3].sigmoid() * memory.tanh(); // [B, H]
            state[layer] = new State(below, memory);
        }

        return below;
    }

    private State[] ZeroState()
    {
        Tensor zero = zeros(_batch, _generator.Options.Hidden, dtype: ScalarType.Float64);
        return [.. Cells.Select(_ => new State(zero, zero))];
    }

    private Tensor Lookup(Tensor ids) => Mix(OneHot(ids)); // [B, E]

    private Tensor Mix(Tensor sample) => bmm(sample.unsqueeze(1), Embedding).squeeze(1); // [B, E]

    private Tensor OneHot(Tensor ids) => GumbelSoftmax.OneHot(ids, Format.Vocabulary).to(ScalarType.Float64);

    /// <summary>[B, 4H, E], [B, 4H, H], [B, 4H], [B, 4H].</summary>
    private readonly record struct Cell(Tensor Input, Tensor Hidden, Tensor InputBias, Tensor HiddenBias);

    /// <summary>[B, H] each.</summary>
    private readonly record struct State(Tensor Hidden, Tensor Memory);
}
