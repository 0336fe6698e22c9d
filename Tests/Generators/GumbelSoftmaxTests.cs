using GumbelGan.Generators;
using GumbelGan.Randomness;
using MathNet.Numerics.Distributions;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Generators;

public sealed class GumbelSoftmaxTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Noise_passes_the_Kolmogorov_Smirnov_test_against_the_standard_Gumbel_distribution(bool isDrawnByTheDevice)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor noise = isDrawnByTheDevice
            ? GumbelSoftmax.NoiseOn(CPU, new RandomKey(11), 200, 500) : GumbelSoftmax.Noise(new RandomKey(11), 200, 500);
        double[] sorted = [.. noise.data<float>().ToArray().Select(value => (double)value).Order()];
        double distance = 0;
        for (int i = 0; i < sorted.Length; i++)
        {
            double cumulative = Math.Exp(-Math.Exp(-sorted[i]));
            distance = Math.Max(distance, Math.Max((i + 1.0) / sorted.Length - cumulative, cumulative - (double)i / sorted.Length));
        }

        // The asymptotic critical value at level 0.001 is 1.949 / sqrt(n).
        Assert.True(distance < 1.949 / Math.Sqrt(sorted.Length), $"Kolmogorov-Smirnov distance {distance}");
    }

    [Fact]
    public void Noise_that_the_device_draws_is_finite_and_a_function_of_its_key()
    {
        using DisposeScope scope = NewDisposeScope();
        float[] Drawn(ulong key) => GumbelSoftmax.NoiseOn(CPU, new RandomKey(key), 1000, 1000).data<float>().ToArray();
        float[] noise = Drawn(1);
        Assert.True(noise.All(float.IsFinite));
        Assert.InRange(noise.Max(), 10, 22.3f);
        Assert.Equal(noise, Drawn(1));
        Assert.NotEqual(noise, Drawn(2));
    }

    [Fact]
    public void The_argmax_of_a_sample_is_distributed_as_softmax_of_the_logits()
    {
        using DisposeScope scope = NewDisposeScope();
        float[] logits = [0.3f, -1.2f, 1.7f, 0f, -0.4f, 0.9f];
        const int Draws = 60000;
        Tensor samples = GumbelSoftmax.Sample(tensor(logits).unsqueeze(0).expand(Draws, 6), GumbelSoftmax.Noise(new RandomKey(5), Draws, 6), 0.7);
        long[] chosen = samples.argmax(-1).data<long>().ToArray();
        double total = logits.Sum(logit => Math.Exp(logit));
        double statistic = 0;
        for (int v = 0; v < logits.Length; v++)
        {
            double expected = Draws * Math.Exp(logits[v]) / total;
            statistic += Math.Pow(chosen.Count(id => id == v) - expected, 2) / expected;
        }

        Assert.True(statistic < ChiSquared.InvCDF(5, 0.999), $"chi-square {statistic}");
    }

    [Theory]
    [InlineData("soft")]
    [InlineData("straight_through")]
    public void The_gradient_is_that_of_the_relaxed_sample_at_fixed_noise(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        const double Temperature = 0.8, Step = 1e-6;
        Tensor noise = GumbelSoftmax.Noise(new RandomKey(3), 2, 5).to(ScalarType.Float64);
        Tensor weights = tensor([0.5, -1, 2, 0.25, -0.75, 1, 0, 3, -2, 0.1], [2, 5]);
        double[] start = [0.1, -0.3, 0.7, 1.1, -0.9, 0.2, 0.4, -0.6, 0.05, 0.8];
        Tensor logits = tensor(start, [2, 5], requires_grad: true);
        Relaxation relaxation = Relaxation.All.Named(name);
        Tensor sample = name == "soft"
            ? GumbelSoftmax.Sample(logits, noise, Temperature)
            : GumbelSoftmax.Sample(logits, noise, Temperature, relaxation);
        (sample * weights).sum().backward();
        double[] gradient = logits.grad!.data<double>().ToArray();
        for (int i = 0; i < start.Length; i++)
        {
            double numeric = (Relaxed(i, Step) - Relaxed(i, -Step)) / (2 * Step);
            Assert.Equal(numeric, gradient[i], 1e-7);
        }

        double Relaxed(int index, double by)
        {
            double[] moved = [.. start];
            moved[index] += by;
            return (GumbelSoftmax.Sample(tensor(moved, [2, 5]), noise, Temperature) * weights).sum().item<double>();
        }
    }

    [Fact]
    public void Straight_through_samples_are_exactly_one_hot_and_agree_with_the_soft_ones()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = randn([40, 30], generator: new Generator(1)), noise = GumbelSoftmax.Noise(new RandomKey(2), 40, 30);
        Tensor hard = GumbelSoftmax.Sample(logits, noise, 1.3, StraightThroughRelaxation.Entry), soft = GumbelSoftmax.Sample(logits, noise, 1.3);
        Assert.All(hard.data<float>().ToArray(), value => Assert.True(value is 0f or 1f));
        Assert.Equal(soft.argmax(-1).data<long>().ToArray(), hard.argmax(-1).data<long>().ToArray());
    }

    [Fact]
    public void At_a_low_temperature_samples_are_nearly_one_hot_and_at_a_high_one_uniform()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = randn([50, 8], generator: new Generator(4)), noise = GumbelSoftmax.Noise(new RandomKey(6), 50, 8);
        Assert.True(GumbelSoftmax.Sample(logits, noise, 1e-3).amax([1], false).mean().item<float>() > 0.999f);
        Assert.All(GumbelSoftmax.Sample(logits, noise, 1e5).data<float>().ToArray(), value => Assert.Equal(1 / 8.0, value, 1e-4));
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(1000)]
    public void Samples_and_gradients_stay_finite_for_extreme_temperatures_and_logits(double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = tensor([1e4f, -1e4f, 0f, 9999f, 1e4f, 1e4f, 1e4f, -1e4f], [2, 4], requires_grad: true);
        foreach (Relaxation relaxation in Relaxation.All)
        {
            Tensor sample = GumbelSoftmax.Sample(logits, GumbelSoftmax.Noise(new RandomKey(8), 2, 4), temperature, relaxation, new RandomKey(9));
            (sample * tensor([1f, 2f, 3f, 4f])).sum().backward();
            Assert.All(sample.data<float>().ToArray(), value => Assert.True(float.IsFinite(value)));
            Assert.All(logits.grad!.data<float>().ToArray(), value => Assert.True(float.IsFinite(value)));
            Assert.All(sample.sum(-1).data<float>().ToArray(), value => Assert.Equal(1f, value, 1e-5f));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_temperature_that_is_not_positive_and_finite_is_refused(double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Throws<ArgumentOutOfRangeException>(() => GumbelSoftmax.Sample(zeros(1, 2), zeros(1, 2), temperature));
    }
}
