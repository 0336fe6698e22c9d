using System.Runtime.InteropServices;
using GumbelGan.Generators;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Generators;

/// <summary>The fused likelihood against the composed one, which defines it.</summary>
public sealed class FusedLikelihoodTests
{
    public static TheoryData<int, int, int, int, int, double> Cases => new()
    {
        // V, T, E, H, B, dropout
        { 7, 5, 3, 4, 6, 0 },
        { 7, 5, 3, 4, 6, 0.3 },
        { 30, 12, 64, 64, 64, 0.1 },
        { 384, 3, 16, 20, 9, 0 },
        { 700, 6, 32, 33, 30, 0.5 },
        { 1000, 2, 5, 200, 70, 0.2 },
        { 12000, 20, 8, 8, 23, 0 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Loss_and_every_gradient_equal_the_composed_ones(int vocabulary, int time, int embedding, int hidden, int batch, double share)
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(vocabulary, time, embedding, hidden);
        using var parallel = new RowParallel(2);
        using var likelihood = new FusedLikelihood(generator, parallel);
        // Smaller and larger batches before must leave no trace.
        likelihood.Mean(Ids(2, time + 1, vocabulary, 3));
        likelihood.Mean(Ids(batch + 3, 1, vocabulary, 4));
        Tensor ids = Ids(batch, time, vocabulary, 5);
        var dropout = new DropoutDraw(share, new RandomKey(8));

        Tensor losses = generator.TokenNegativeLogLikelihood(ids, dropout);
        Tensor expected = losses.sum() / ids.ne(0).sum(ScalarType.Float32);
        (expected * 1.5).backward();
        Dictionary<string, float[]> gradients = Gradients(generator);
        generator.zero_grad();
        Tensor found = likelihood.Mean(ids, dropout);
        Assert.Equal(expected.item<float>(), found.item<float>(), 1e-6 * expected.item<float>() + 1e-7);
        (found * 1.5).backward();
        Dictionary<string, float[]> fused = Gradients(generator);
        Assert.Equal(gradients.Keys.Order(), fused.Keys.Order());
        foreach ((string name, float[] gradient) in fused)
        {
            float scale = gradients[name].Max(MathF.Abs), difference = gradient.Zip(gradients[name], (a, b) => MathF.Abs(a - b)).Max();
            Assert.True(difference <= 2e-5 * scale, $"{name}: differs by {difference}, largest value {scale}");
        }

        double sum = generator.TokenNegativeLogLikelihood(ids).sum(ScalarType.Float64).item<double>();
        Assert.Equal(sum, likelihood.Sum(ids), 1e-6 * sum);
    }

    [Theory]
    [InlineData(7, 5, 3, 4, 6)]
    [InlineData(700, 6, 32, 33, 30)]
    [InlineData(12000, 20, 8, 8, 23)]
    public void A_weighted_sum_of_losses_and_its_gradients_equal_the_composed_ones(int vocabulary, int time, int embedding, int hidden, int batch)
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(vocabulary, time, embedding, hidden);
        using var parallel = new RowParallel(2);
        using var likelihood = new FusedLikelihood(generator, parallel);
        Tensor ids = Ids(batch, time, vocabulary, 5), weights = randn([batch, time], generator: new Generator(3));
        Tensor expected = (generator.TokenNegativeLogLikelihood(ids) * weights).sum();
        expected.backward();
        Dictionary<string, float[]> gradients = Gradients(generator);
        generator.zero_grad();
        Tensor found = likelihood.WeightedSum(ids, weights);
        found.backward();
        Assert.Equal(expected.item<float>(), found.item<float>(), 1e-5 * weights.abs().sum().item<float>());
        foreach ((string name, float[] gradient) in Gradients(generator))
        {
            float scale = gradients[name].Max(MathF.Abs), difference = gradient.Zip(gradients[name], (a, b) => MathF.Abs(a - b)).Max();
            Assert.True(difference <= 2e-5 * scale, $"{name}: differs by {difference}, largest value {scale}");
        }
    }

    [Fact]
    public void The_gradient_equals_finite_differences()
    {
        using LstmGenerator generator = Create(11, 5, 3, 4);
        using var parallel = new RowParallel(1);
        using var likelihood = new FusedLikelihood(generator, parallel);
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = Ids(4, 5, 11, 6);
        likelihood.Mean(ids).backward();
        foreach ((string name, Parameter parameter) in generator.named_parameters())
        {
            float[] gradient = parameter.grad!.data<float>().ToArray();
            for (int index = 0; index < gradient.Length; index += Math.Max(1, gradient.Length / 7))
            {
                const float Step = 2e-2f;
                double numeric = (8 * (At(index, Step / 2) - At(index, -Step / 2)) - (At(index, Step) - At(index, -Step))) / (6 * Step);
                Assert.True(Math.Abs(numeric - gradient[index]) < 2e-4 + 0.005 * Math.Abs(numeric),
                    $"{name}[{index}]: {gradient[index]} against {numeric}");
            }

            double At(int index, float by)
            {
                Span<float> values = MemoryMarshal.Cast<byte, float>(parameter.bytes);
                float before = values[index];
                values[index] = before + by;
                double loss = likelihood.Sum(ids) / ids.ne(0).sum().item<long>();
                values[index] = before;
                return loss;
            }
        }
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        using LstmGenerator generator = Create(900, 9, 32, 32);
        Assert.Equal(Run(1), Run(2));
        Assert.Equal(Run(1), Run(3));

        float[] Run(int threads)
        {
            using DisposeScope scope = NewDisposeScope();
            using var parallel = new RowParallel(threads);
            using var likelihood = new FusedLikelihood(generator, parallel);
            generator.zero_grad();
            Tensor loss = likelihood.Mean(Ids(50, 9, 900, 7), new DropoutDraw(0.1, new RandomKey(2)));
            loss.backward();
            return [loss.item<float>(), .. Gradients(generator).OrderBy(named => named.Key).SelectMany(named => named.Value)];
        }
    }

    [Fact]
    public void Without_gradients_none_are_made_and_nothing_but_padding_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(11, 5, 3, 4);
        using var parallel = new RowParallel(1);
        using var likelihood = new FusedLikelihood(generator, parallel);
        using IDisposable off = no_grad();
        Assert.False(likelihood.Mean(Ids(4, 5, 11, 6)).requires_grad);
        Assert.Throws<ArgumentException>(() => likelihood.Sum(zeros([2, 3], ScalarType.Int64)));
    }

    private static LstmGenerator Create(int vocabulary, int time, int embedding, int hidden) =>
        new(new LstmGeneratorOptions { Embedding = embedding, Hidden = hidden }, new SequenceFormat(vocabulary, time + 1, 1, 2, 0), new RandomKey(1));

    /// <summary>Sequences of every length, each ended by 2 where it is shorter than T and padded with 0.</summary>
    private static Tensor Ids(int batch, int time, int vocabulary, ulong key)
    {
        var random = new RandomStream(new RandomKey(key));
        long[] ids = new long[batch * time];
        for (int row = 0; row < batch; row++)
        {
            int length = 1 + random.NextInt32(time);
            for (int t = 0; t < length; t++)
            {
                ids[row * time + t] = t == length - 1 && length < time ? 2 : 3 + random.NextInt32(vocabulary - 3);
            }
        }

        return tensor(ids, [batch, time]);
    }

    private static Dictionary<string, float[]> Gradients(LstmGenerator generator) =>
        generator.named_parameters().Where(named => named.parameter.grad is not null)
            .ToDictionary(named => named.name, named => named.parameter.grad!.data<float>().ToArray());
}
