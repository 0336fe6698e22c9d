using GumbelGan.Discriminators;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tests.Discriminators;
using GumbelGan.Training.Losses;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training;

public sealed class AdversarialLossTests
{
    private static readonly double[] _real = [0.4, -1.5, 2.0], _fake = [-0.3, 0.8, 1.1];

    private static double Softplus(double x) => Math.Log(1 + Math.Exp(x));

    [Fact]
    public void Losses_equal_their_formulas()
    {
        double Mean(Func<int, double> term) => Enumerable.Range(0, 3).Average(term);
        Check("non_saturating", Mean(i => Softplus(-_real[i]) + Softplus(_fake[i])), Mean(i => Softplus(-_fake[i])));
        Check("relativistic", Mean(i => Softplus(_fake[i] - _real[i])), Mean(i => Softplus(_real[i] - _fake[i])));
        Check("hinge", Mean(i => Math.Max(0, 1 - _real[i]) + Math.Max(0, 1 + _fake[i])), -_fake.Average());
        Check("wasserstein", _fake.Average() - _real.Average(), -_fake.Average());
        Check("density_ratio", Mean(i => Softplus(-_real[i]) + Softplus(_fake[i])), -_fake.Average());
        Check("relativistic_ratio", Mean(i => Softplus(_fake[i] - _real[i])), -_fake.Average());

        static void Check(string kind, double discriminator, double generator)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor real = tensor(_real), fake = tensor(_fake);
            Assert.Equal(discriminator, GameLoss.All.Named(kind).Discriminator(real, fake).item<double>(), 1e-12);
            Assert.Equal(generator, GameLoss.All.Named(kind).Generator(real, fake).item<double>(), 1e-12);
        }
    }

    [Theory]
    [InlineData("non_saturating")]
    [InlineData("density_ratio")]
    public void Smoothed_labels_move_the_best_score_of_real_sequences_to_the_odds_of_the_label(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor real = tensor(new[] { Math.Log(0.9 / 0.1) }, requires_grad: true), fake = tensor(new[] { 0.0 });
        Tensor loss = GameLoss.All.Named(kind).OfDiscriminator(real, fake, 0.1);
        loss.backward();
        Assert.Equal(0, real.grad!.item<double>(), 1e-12);
        Assert.Equal(-0.9 * Math.Log(0.9) - 0.1 * Math.Log(0.1) + Math.Log(2), loss.item<double>(), 1e-12);
        Assert.Equal(GameLoss.All.Named(kind).Discriminator(real, fake).item<double>(),
            GameLoss.All.Named(kind).OfDiscriminator(real, fake, 0).item<double>());
    }

    [Fact]
    public void At_the_optimal_discriminators_indifference_the_losses_have_their_known_values()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor zero = zeros(4);
        Assert.Equal(2 * Math.Log(2), GameLoss.All.Named("non_saturating").Discriminator(zero, zero).item<float>(), 1e-6);
        Assert.Equal(Math.Log(2), GameLoss.All.Named("relativistic").Generator(zero, zero).item<float>(), 1e-6);
        Assert.Equal(2, GameLoss.All.Named("hinge").Discriminator(zero, zero).item<float>(), 1e-6);
    }

    [Theory]
    [InlineData("cnn", 4, false)]
    [InlineData("cnn", 7, false)]
    [InlineData("lstm", 4, false)]
    [InlineData("lstm", 7, false)]
    [InlineData("cnn", 4, true)]
    [InlineData("cnn", 7, true)]
    [InlineData("lstm", 4, true)]
    public void The_gradient_penalty_and_its_gradients_are_those_of_two_backward_passes_through_one_hots(string kind, int fakeTime, bool isNormalised)
    {
        using DisposeScope scope = NewDisposeScope();
        const int Vocabulary = 9, Batch = 5;
        DiscriminatorOptions options = DiscriminatorTests.Options(kind, 6, kind == "cnn" ? 20 : 5, [1, 2, 4], 0) with { SpectralNorm = isNormalised };
        using Discriminator discriminator = options.Create(Vocabulary, 0, new RandomKey(3));
        // Repeated tokens tie, and the shortest sequences are shorter than the widest filter.
        Tensor real = tensor(new long[] { 3, 3, 3, 3, 3, 2, 4, 5, 4, 5, 2, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 2 }, [Batch, 6]);
        Tensor lengths = tensor(new long[] { 4, 2, 1, 3, 4 }, [Batch, 1]);
        Tensor mask = arange(fakeTime).unsqueeze(0).lt(lengths).to(ScalarType.Float32); // [B, T'']
        Tensor relaxed = (randn([Batch, fakeTime, Vocabulary], generator: new Generator(9)) * 3).softmax(-1);
        Tensor padding = GumbelSoftmax.OneHot(zeros([1, 1], ScalarType.Int64), Vocabulary);
        relaxed = where(mask.unsqueeze(2).gt(0.5), relaxed, padding); // [B, T'', V]

        // As roll-outs hand them over: what stands after the end has no gradient.
        Tensor embedded = relaxed.matmul(discriminator.EmbeddingTable); // [B, T'', E]
        embedded = where(mask.unsqueeze(2).gt(0.5), embedded, embedded.detach());
        Tensor found = GradientPenalty.Of(discriminator, real, embedded, mask, new RandomKey(7));
        found.backward();
        float[][] gradients = Gradients();
        discriminator.zero_grad();
        Tensor expected = ThroughOneHots();
        expected.backward();
        Assert.Equal(expected.item<float>(), found.item<float>(), 1e-5);
        foreach ((float[] wanted, float[] actual) in Gradients().Zip(gradients))
        {
            double scale = Math.Max(1, wanted.Max(Math.Abs));
            Assert.All(wanted.Zip(actual), pair => Assert.Equal(pair.First / scale, pair.Second / scale, 1e-5));
        }

        float[][] Gradients() => [.. discriminator.parameters().Select(parameter =>
            parameter.grad?.data<float>().ToArray() ?? new float[parameter.numel()])];

        // The definition: the gradient with respect to every coordinate of every one-hot.
        Tensor ThroughOneHots()
        {
            int time = Math.Max(6, fakeTime);
            float[] weights = new float[Batch];
            RandomFill.Uniform(new RandomKey(7), 0, 1, weights);
            Tensor weight = tensor(weights, [Batch, 1, 1]);
            Tensor ids = cat([real, zeros([Batch, time - 6], ScalarType.Int64)], 1); // [B, T]
            Tensor fake = cat([relaxed, padding.expand(Batch, time - fakeTime, Vocabulary)], 1); // [B, T, V]
            Tensor both = cat([mask, zeros(Batch, time - fakeTime)], 1).maximum(ids.ne(0).to(ScalarType.Float32)); // [B, T]
            Tensor between = (GumbelSoftmax.OneHot(ids, Vocabulary) * weight + fake * (1 - weight)).requires_grad_(); // [B, T, V]
            discriminator.IsTwiceDifferentiable = true;
            Tensor slope = autograd.grad([discriminator.Score(between, both).sum()], [between], retain_graph: true, create_graph: true)[0];
            return ((slope.square().sum([1, 2]) + 1e-12).sqrt() - 1).square().mean();
        }
    }

    [Theory]
    [InlineData("lstm")]
    [InlineData("cnn")]
    public void The_gradient_penalty_is_the_squared_distance_of_the_slope_from_one_and_can_itself_be_differentiated(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        const int Vocabulary = 6, Time = 4;
        using Discriminator discriminator = DiscriminatorTests.Options(kind, 3, kind == "cnn" ? 3 : 4, [2], 0)
            .Create(Vocabulary, 0, new RandomKey(1));
        Tensor real = tensor(new long[] { 3, 4, 2, 5, 3, 2 }, [2, 3]);
        Tensor relaxed = rand([2, Time, Vocabulary], generator: new Generator(9)).softmax(-1);
        Tensor penalty = Penalty();

        // The same by finite differences of the score at the same points.
        float[] weights = new float[2];
        RandomFill.Uniform(new RandomKey(7), 0, 1, weights);
        Tensor weight = tensor(weights, [2, 1, 1]);
        Tensor oneHots = GumbelSoftmax.OneHot(cat([real, zeros([2, 1], ScalarType.Int64)], 1), Vocabulary);
        float[] points = (oneHots * weight + relaxed * (1 - weight)).data<float>().ToArray();
        double expected = 0;
        for (int row = 0; row < 2; row++)
        {
            double squared = 0;
            for (int i = 0; i < Time * Vocabulary; i++)
            {
                double slope = (Score(row, i, 2e-3f) - Score(row, i, -2e-3f)) / 4e-3;
                squared += slope * slope;
            }

            expected += Math.Pow(Math.Sqrt(squared) - 1, 2) / 2;
        }

        Assert.Equal(expected, penalty.item<float>(), 0.01 * expected + 1e-3);
        penalty.backward();
        int checkedNumbers = 0, kinks = 0;
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in discriminator.named_parameters())
        {
            // The last layer's bias moves every score alike, so it has no gradient at all.
            float[] gradient = parameter.grad?.data<float>().ToArray() ?? new float[parameter.numel()];
            for (int i = 0; i < gradient.Length; i += 5)
            {
                const float Step = 1e-2f;
                double here = penalty.item<float>(), above = (PenaltyWith(parameter, i, Step) - here) / Step,
                    below = (here - PenaltyWith(parameter, i, -Step)) / Step;
                if (Math.Abs(above - below) > 0.05)
                {
                    // Another window becomes the largest within the step, or a rectifier opens.
                    kinks++;
                    continue;
                }

                checkedNumbers++;
                double numeric = (above + below) / 2;
                Assert.True(Math.Abs(numeric - gradient[i]) < 2e-3 + 0.02 * Math.Abs(numeric), $"{name}[{i}]: {gradient[i]} against {numeric}");
            }
        }

        Assert.True(checkedNumbers > 5 * kinks, $"{checkedNumbers} numbers, {kinks} kinks");
        Assert.True(discriminator.EmbeddingTable.grad!.abs().sum().item<float>() > 0.01);

        Tensor Penalty() => GradientPenalty.Of(discriminator, real, relaxed.matmul(discriminator.EmbeddingTable), ones([2, Time]), new RandomKey(7));

        double PenaltyWith(Tensor parameter, int index, float by)
        {
            float[] kept = parameter.data<float>().ToArray();
            TensorMemory.Numbers(parameter)[index] += by;
            double moved = Penalty().item<float>();
            kept.CopyTo(TensorMemory.Numbers(parameter));
            return moved;
        }

        double Score(int row, int index, float by)
        {
            float[] moved = points[(row * Time * Vocabulary)..((row + 1) * Time * Vocabulary)];
            moved[index] += by;
            return discriminator.Score(tensor(moved, [1, Time, Vocabulary]), ones([1, Time])).item<float>();
        }
    }
}
