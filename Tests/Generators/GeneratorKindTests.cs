using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tests.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Generators;

/// <summary>What must hold of every generator in the catalogue.</summary>
public sealed class GeneratorKindTests
{
    private const int Padding = 0, Begin = 1, End = 2;
    private static readonly SequenceFormat _format = new(6, 3, Begin, End, Padding);

    public static TheoryData<string> Kinds => [.. GeneratorKind.All.Select(kind => kind.Name)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Its_probabilities_sum_to_one_and_its_samples_have_them(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using IGenerator generator = Create(kind);
        using IDisposable off = no_grad();
        long[][] all = [.. Strings([])];
        double[] probabilities = [.. all.Select(ids => Math.Exp(-generator.SumNegativeLogLikelihood(Row(ids))))];
        Assert.Equal(1, probabilities.Sum(), 1e-5);
        int[] counts = new int[all.Length];
        Dictionary<string, int> numbers = all.Select((ids, number) => (Key(ids), number)).ToDictionary();
        long[] drawn = generator.Sample(4000, 1, new RandomKey(5)).data<long>().ToArray();
        foreach (long[] sample in drawn.Chunk(_format.Length))
        {
            counts[numbers[Key(sample)]]++;
        }

        Reference.AssertChiSquare(probabilities, counts);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Likelihood_and_relaxed_samples_have_gradients_for_every_weight(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using IGenerator generator = Create(kind);
        Tensor table = randn([6, 4], generator: new Generator(1));
        using IRollout rollout = generator.RollOut(8, 4, 1, StraightThroughRelaxation.Entry);
        foreach (Func<Tensor> loss in (Func<Tensor>[])[() => generator.MeanNegativeLogLikelihood(Row([3, 4, End])), () => Score()])
        {
            generator.Module.zero_grad();
            loss().backward();
            Assert.All(generator.Module.named_parameters(), named => Assert.True(named.parameter.grad?.abs().sum().item<float>() > 0, named.name));
        }

        Tensor Score()
        {
            rollout.Generate(table, 0.7, new RandomKey(3));
            (Tensor embedded, Tensor mask) = rollout.Embedded(table, throughGenerator: true);
            return (embedded * mask.unsqueeze(2)).square().sum();
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Completions_keep_their_prefixes_and_follow_the_model(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using IGenerator generator = Create(kind);
        (Tensor completed, int[] origins) = generator.Complete(Row([3, 4, 5]), 2000, new RandomKey(7));
        long[][] rows = [.. completed.data<long>().ToArray().Chunk(_format.Length)];
        Assert.Equal(4000, rows.Length);
        Assert.All(rows.Zip(origins), row => Assert.Equal(new long[] { 3, 4, 5 }.Take(row.Second + 1), row.First.Take(row.Second + 1)));
        int[] counts = new int[6];
        foreach ((long[] row, int origin) in rows.Zip(origins).Where(pair => pair.Second == 0))
        {
            counts[row[1]]++;
        }

        double[] next = [.. generator.Logits(Row([3, 4])).softmax(-1)[0, 1].data<float>().ToArray().Select(value => (double)value)];
        Reference.AssertChiSquare(next, counts);
    }

    [Fact]
    public void A_step_of_the_relational_memory_is_that_of_the_loops()
    {
        const int Slots = 2, Heads = 2, Size = 3, Width = Heads * Size, Rows = Slots + 1;
        using DisposeScope scope = NewDisposeScope();
        using IGenerator generator = new RelationalMemoryGeneratorOptions { Embedding = 4, Slots = Slots, Heads = Heads, HeadSize = Size }
            .Create(SequenceFormat.FixedLength(5, 2, 0), new RandomKey(4));
        using (no_grad())
        {
            foreach ((string name, Parameter parameter) in generator.Module.named_parameters().Where(named => named.parameter.dim() == 1))
            {
                RandomFill.Uniform(new RandomKey(6).Derive(name), -0.5f, 0.5f, GumbelGan.Engine.TensorMemory.Numbers(parameter));
            }
        }

        Assert.DoesNotContain(generator.Module.named_parameters(),
            named => named.name is "projection.bias" or "input_gates.bias" or "memory_gates.bias");
        Dictionary<string, float[]> weights =
            generator.Module.named_parameters().ToDictionary(named => named.name, named => named.parameter.data<float>().ToArray());
        double[] Linear(string name, double[] input) => [.. Enumerable.Range(0, weights[$"{name}.weight"].Length / input.Length)
            .Select(row => (weights.TryGetValue($"{name}.bias", out float[]? biases) ? (double)biases[row] : 0)
                + input.Select((value, column) => value * weights[$"{name}.weight"][row * input.Length + column]).Sum())];
        double[][] Norm(string name, double[][] rows)
        {
            double[] all = [.. rows.SelectMany(row => row)];
            double mean = all.Average(), deviation = Math.Sqrt(all.Average(value => (value - mean) * (value - mean)) + 1e-5);
            return [.. rows.Select(row => row.Select((value, i) =>
                (value - mean) / deviation * weights[$"{name}.weight"][i] + weights[$"{name}.bias"][i]).ToArray())];
        }

        double[][] memory = [.. Enumerable.Range(0, Slots).Select(slot => Enumerable.Range(0, Width).Select(i => i == slot ? 1.0 : 0).ToArray())];
        foreach (int token in new[] { 0, 3 })
        {
            double[] input = Linear("input", [.. weights["embedding.weight"].Skip(token * 4).Take(4).Select(value => (double)value)]);
            double[][] rows = [.. memory, input];
            double[][] projected = Norm("projection_norm", [.. rows.Select(row => Linear("projection", row))]);
            double[][] summed = new double[Rows][];
            for (int r = 0; r < Rows; r++)
            {
                var attended = new List<double>();
                for (int head = 0; head < Heads; head++)
                {
                    double[] Part(int row, int part) => projected[row][(head * 3 * Size + part * Size)..(head * 3 * Size + part * Size + Size)];
                    double[] shares = Reference.Softmax([.. Enumerable.Range(0, Rows)
                        .Select(other => Part(r, 0).Zip(Part(other, 1), (query, key) => query * key).Sum() / Math.Sqrt(3 * Size))], 1);
                    attended.AddRange(Enumerable.Range(0, Size).Select(i => shares.Select((share, other) => share * Part(other, 2)[i]).Sum()));
                }

                summed[r] = [.. rows[r].Zip(attended, (a, b) => a + b)];
            }

            double[][] first = Norm("attended_norm", summed);
            double[][] thought = Norm("mlp_norm", [.. first.Select(row => row.Zip(
                Linear("mlp1", [.. Linear("mlp0", row).Select(value => Math.Max(0, value))]), (a, b) => a + b).ToArray())]);
            double[] fromInput = Linear("input_gates", input);
            memory = [.. memory.Select((row, slot) =>
            {
                double[] gates = [.. Linear("memory_gates", [.. row.Select(Math.Tanh)]).Zip(fromInput, (a, b) => a + b)];
                return row.Select((old, i) =>
                    Reference.Sigmoid(gates[i]) * Math.Tanh(thought[slot][i]) + Reference.Sigmoid(gates[Width + i] + 1) * old).ToArray();
            })];
        }

        double[] expected = [.. memory.SelectMany(row => row)];
        float[] found = generator.HiddenStates(Row([3, 1]))[0, 1].data<float>().ToArray();
        Reference.AssertClose(expected, found, 1e-4, 1e-5);
    }

    private static IGenerator Create(string kind) => GeneratorKind.All.Named(kind).NewOptions().Sized(4, 6).Create(_format, new RandomKey(2));

    private static Tensor Row(long[] ids) => tensor(ids, [1, ids.Length]);

    private static string Key(IEnumerable<long> ids) => string.Join(' ', ids.Where(id => id != Padding));

    private static IEnumerable<long[]> Strings(long[] prefix)
    {
        if (prefix.Length == _format.Length || (prefix.Length > 0 && prefix[^1] == End))
        {
            return [prefix];
        }

        return new long[] { End, 3, 4, 5 }.SelectMany(id => Strings([.. prefix, id]));
    }
}
