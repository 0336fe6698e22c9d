using GumbelGan.Generators;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Generators;

/// <summary>The fused roll-out against the composed one, which defines it: same noise, same tokens, same values, same gradients.</summary>
public sealed class FusedRolloutTests
{
    public static TheoryData<int, int, int, int, int, double, Feedback, Relaxation, bool> Cases
    {
        get
        {
            var cases = new TheoryData<int, int, int, int, int, double, Feedback, Relaxation, bool>()
            {
                // V, T, E, H, B, temperature
                { 7, 5, 3, 4, 6, 1.0, Feedback.Relaxed, SoftRelaxation.Entry, false },
                { 7, 5, 3, 4, 6, 1.0, Feedback.Relaxed, SoftRelaxation.Entry, true },
                { 50, 8, 16, 20, 9, 0.5, Feedback.Relaxed, SoftRelaxation.Entry, false },
                { 700, 4, 32, 33, 30, 0.9, Feedback.Relaxed, SoftRelaxation.Entry, false },
                { 401, 3, 5, 70, 26, 5.0, Feedback.Relaxed, SoftRelaxation.Entry, false },
            };
            foreach (Relaxation relaxation in Relaxation.All)
            {
                cases.Add(50, 8, 16, 20, 9, 0.7, Feedback.Relaxed, relaxation, false);
                cases.Add(50, 8, 16, 20, 9, 1.5, Feedback.Hard, relaxation, true);
                cases.Add(12, 6, 8, 9, 70, 0.5, Feedback.Relaxed, relaxation, false);
                cases.Add(400, 3, 16, 20, 9, 1.1, Feedback.Relaxed, relaxation, false);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Tokens_values_and_every_gradient_equal_the_composed_ones(int vocabulary, int time, int embedding, int hidden, int batch,
        double temperature, Feedback feedback, Relaxation relaxation, bool noisy)
    {
        const int Width = 6;
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = new(
            new LstmGeneratorOptions { Embedding = embedding, Hidden = hidden, Feedback = feedback, NoisyInitialState = noisy },
                new SequenceFormat(vocabulary, time, 1, 2, 0), new RandomKey(1));
        var noise = new RandomKey(12);
        // End tokens likely enough that some sequences end early.
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(generator.get_parameter("output.bias")!.bytes)[2] += MathF.Log(vocabulary) / 3;
        Tensor table = randn([vocabulary, Width], generator: new Generator(4)), weights = randn([batch, time, Width], generator: new Generator(5));

        // Composed.
        Tensor composedTable = table.clone().requires_grad_();
        RelaxedSequences composed = generator.Relax(batch, temperature, relaxation, noise);
        Tensor expected = composed.OneHots.matmul(composedTable); // [B, T, F]
        (expected * weights * composed.Mask.unsqueeze(2)).sum().backward();
        Dictionary<string, float[]> gradients = Gradients(generator);
        generator.zero_grad();

        using var parallel = new RowParallel(2);
        using var rollout = new FusedRollout(generator, batch, Width, parallel, relaxation);
        // A first roll-out with other noise and another table must leave no trace.
        rollout.Generate(table * 3, temperature, new RandomKey(99));
        RolledOutSequences fused = rollout.Generate(table, temperature, noise);
        Assert.Equal(composed.Ids.data<long>().ToArray(), fused.Ids.data<long>().ToArray());
        Assert.Equal(composed.Mask.data<float>().ToArray(), fused.Mask.data<float>().ToArray());
        Tensor fusedTable = table.clone().requires_grad_();
        (Tensor found, Tensor mask) = rollout.Embedded(fusedTable, throughGenerator: true);
        long steps = found.shape[1];
        AssertClose(expected.narrow(1, 0, steps), found, 1e-5, "embedded");
        (found * weights.narrow(1, 0, steps) * mask.unsqueeze(2)).sum().backward();
        AssertClose(composedTable.grad!, fusedTable.grad!, 1e-5, "table");
        foreach ((string name, float[] gradient) in Gradients(generator))
        {
            AssertClose(tensor(gradients[name]), tensor(gradient), 2e-5, name);
        }
    }

    [Fact]
    public void A_changed_table_is_multiplied_by_the_same_samples()
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator =
            new(new LstmGeneratorOptions { Embedding = 8, Hidden = 9 }, new SequenceFormat(60, 6, 1, 2, 0), new RandomKey(1));
        using var parallel = new RowParallel(2);
        using var rollout = new FusedRollout(generator, 7, 5, parallel, SoftRelaxation.Entry);
        Tensor before = randn([60, 5], generator: new Generator(1)), after = randn([60, 5], generator: new Generator(2)).requires_grad_();
        rollout.Generate(before, 0.8, new RandomKey(3));
        RelaxedSequences composed = generator.Relax(7, 0.8, SoftRelaxation.Entry, new RandomKey(3));
        Tensor first = rollout.Embedded(before, throughGenerator: false).Embedded;
        AssertClose(composed.OneHots.matmul(before).narrow(1, 0, first.shape[1]), first, 1e-5, "before");
        Tensor second = rollout.Embedded(after, throughGenerator: false).Embedded;
        AssertClose(composed.OneHots.matmul(after).narrow(1, 0, second.shape[1]), second, 1e-5, "after");
        second.sum().backward();
        Assert.All(generator.parameters(), (Parameter parameter) => Assert.Null(parameter.grad));
        Assert.NotNull(after.grad);
    }

    [Fact]
    public void Every_relaxation_of_the_catalogue_runs_fused() =>
        Assert.All(Relaxation.All, relaxation => Assert.True(FusedRollout.Serves(relaxation)));

    [Theory]
    [InlineData("soft")]
    [InlineData("gumbel_rao")]
    public void The_number_of_threads_changes_nothing(string relaxation)
    {
        using LstmGenerator generator =
            new(new LstmGeneratorOptions { Embedding = 32, Hidden = 32 }, new SequenceFormat(900, 5, 1, 2, 0), new RandomKey(1));
        Assert.Equal(Run(1), Run(2));
        Assert.Equal(Run(1), Run(3));

        float[] Run(int threads)
        {
            using DisposeScope scope = NewDisposeScope();
            using var parallel = new RowParallel(threads);
            using var rollout = new FusedRollout(generator, 40, 16, parallel, Relaxation.All.Named(relaxation));
            Tensor table = randn([900, 16], generator: new Generator(1)).requires_grad_();
            rollout.Generate(table, 0.8, new RandomKey(3));
            generator.zero_grad();
            rollout.Embedded(table, throughGenerator: true).Embedded.square().sum().backward();
            return [.. Gradients(generator).Values.SelectMany(values => values), .. table.grad!.data<float>().ToArray()];
        }
    }

    private static Dictionary<string, float[]> Gradients(LstmGenerator generator) =>
        generator.named_parameters().Where(named => named.parameter.grad is not null)
            .ToDictionary(named => named.name, named => named.parameter.grad!.data<float>().ToArray());

    private static void AssertClose(Tensor expected, Tensor actual, double tolerance, string what)
    {
        double scale = expected.abs().max().item<float>(), difference = (expected - actual).abs().max().item<float>();
        Assert.True(difference <= tolerance * Math.Max(scale, 1e-3), $"{what}: differs by {difference}, largest value {scale}");
    }
}
