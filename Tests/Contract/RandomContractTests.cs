using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Contract;

/// <summary>Draws, seeds and states of generators.</summary>
public sealed class RandomContractTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void The_same_seed_gives_the_same_draws_and_another_seed_others()
    {
        manual_seed(7);
        double[] first = Numbers.Of(rand([100])), second = Numbers.Of(rand([100]));
        manual_seed(7);
        Assert.Equal(first, Numbers.Of(rand([100])));
        Assert.Equal(second, Numbers.Of(rand([100])));
        random.manual_seed(8);
        Assert.NotEqual(first, Numbers.Of(rand([100])));
    }

    [Fact]
    public void A_state_that_was_kept_brings_the_draws_back()
    {
        manual_seed(3);
        _ = randn([17]);
        Tensor state = random.get_rng_state();
        double[] expected = Numbers.Of(randn([50]));
        random.set_rng_state(state);
        Assert.Equal(expected, Numbers.Of(randn([50])));

        using var generator = new Generator(5);
        _ = randn([17], generator: generator);
        Tensor own = generator.get_state();
        expected = Numbers.Of(randn([50], generator: generator));
        generator.set_state(own);
        Assert.Equal(expected, Numbers.Of(randn([50], generator: generator)));
    }

    [Fact]
    public void A_generator_of_ones_own_neither_disturbs_the_default_one_nor_is_disturbed_by_it()
    {
        manual_seed(1);
        double[] undisturbed = Numbers.Of(rand([10]));
        using Generator one = new(42), other = new(42);
        manual_seed(1);
        double[] drawn = Numbers.Of(rand([20], generator: one));
        Assert.Equal(undisturbed, Numbers.Of(rand([10])));
        Assert.Equal(drawn[..10], Numbers.Of(rand([10], generator: other)));
        _ = rand([3]);
        Assert.Equal(drawn[10..], Numbers.Of(rand([10], generator: other)));
        one.manual_seed(42);
        Assert.Equal(drawn, Numbers.Of(rand([20], generator: one)));
        Assert.Equal(DeviceType.CPU, one.device.type);
    }

    [Fact]
    public void The_default_generator_is_the_one_that_manual_seed_seeds()
    {
        manual_seed(9);
        double[] expected = Numbers.Of(rand([5]));
        Generator.Default.manual_seed(9);
        Assert.Equal(expected, Numbers.Of(rand([5])));
        Assert.Equal(expected, Numbers.Of(rand([5], generator: manual_seed(9))));
    }

    [Fact]
    public void Draws_have_the_moments_of_their_distributions()
    {
        const int Count = 200_000;
        using var generator = new Generator(11);
        HasMoments(rand([Count], generator: generator), 0.5, 1.0 / 12);
        HasMoments(randn([Count], generator: generator), 0, 1);
        HasMoments(empty(Count).uniform_(-3, 1, generator), -1, 16.0 / 12);
        HasMoments(empty(Count).normal_(2, 0.5, generator), 2, 0.25);
        HasMoments(empty(Count).bernoulli_(0.2, generator), 0.2, 0.16);
        Tensor uniform = rand([Count], generator: generator);
        Assert.True(uniform.min().item<float>() >= 0 && uniform.max().item<float>() < 1);

        double[] draws = Numbers.Of(tensor([1f, 3f, 0f]).multinomial(Count, replacement: true, generator: generator));
        Assert.InRange(draws.Average(), 0.75 - (5 * Math.Sqrt(0.1875 / Count)), 0.75 + (5 * Math.Sqrt(0.1875 / Count)));
        Assert.DoesNotContain(2.0, draws);
        Assert.Equal([0.0, 1.0], Numbers.Of(tensor([1f, 3f]).multinomial(2, generator: generator)).Order());
    }

    [Fact]
    public void Initialisers_fill_without_a_trace_in_the_graph()
    {
        using Generator generator = new(4), again = new(4);
        Tensor weight = zeros([1000], requires_grad: true), twin = zeros([1000], requires_grad: true);
        Assert.Same(weight, nn.init.uniform_(weight, -2, 2, generator));
        nn.init.uniform_(twin, -2, 2, again);
        Assert.Equal(Numbers.Of(weight), Numbers.Of(twin));
        Assert.InRange(weight.abs().max().item<float>(), 1.9, 2);
        HasMoments(nn.init.normal_(zeros([200_000]), 1, 3, generator), 1, 9);
        Numbers.AreClose([0.25, 0.25], nn.init.constant_(zeros([2], requires_grad: true), 0.25));
        Numbers.AreClose([0, 0], nn.init.zeros_(ones([2], requires_grad: true)));
        Assert.True(weight.is_leaf && weight.requires_grad && is_grad_enabled());
    }

    // Five standard errors; the seed is fixed, so this either holds for ever or never.
    private static void HasMoments(Tensor draws, double mean, double variance)
    {
        long count = draws.numel();
        Assert.InRange(draws.mean().item<float>(), mean - (5 * Math.Sqrt(variance / count)), mean + (5 * Math.Sqrt(variance / count)));
        Assert.InRange(draws.var().item<float>(), variance * 0.97, variance * 1.03);
    }
}
