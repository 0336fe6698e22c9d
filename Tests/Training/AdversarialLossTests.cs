using GumbelGan.Discriminators;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tests.Discriminators;
using GumbelGan.Training.Losses;
using GumbelGan.Training.Objectives;
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

        static void Check(string kind, double discriminator, double generator)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor real = tensor(_real), fake = tensor(_fake);
            Assert.Equal(discriminator, GameLoss.Named(kind).Discriminator(real, fake).item<double>(), 1e-12);
            Assert.Equal(generator, GameLoss.Named(kind).Generator(real, fake).item<double>(), 1e-12);
        }
    }

    [Fact]
    public void At_the_optimal_discriminators_indifference_the_losses_have_their_known_values()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor zero = zeros(4);
        Assert.Equal(2 * Math.Log(2), GameLoss.Named("non_saturating").Discriminator(zero, zero).item<float>(), 1e-6);
        Assert.Equal(Math.Log(2), GameLoss.Named("relativistic").Generator(zero, zero).item<float>(), 1e-6);
        Assert.Equal(2, GameLoss.Named("hinge").Discriminator(zero, zero).item<float>(), 1e-6);
    }

    [Theory]
    [InlineData("lstm")]
    [InlineData("cnn")]
    public void The_gradient_penalty_is_the_squared_distance_of_the_slope_from_one_and_can_itself_be_differentiated(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        const int Vocabulary = 6, Time = 4;
        var format = new SequenceFormat(Vocabulary, Time, 1, 2, 0);
        using Discriminator discriminator = DiscriminatorTests.Options(kind, 3, kind == "cnn" ? 3 : 4, [2], 0)
            .Create(Vocabulary, 0, new RandomKey(1));
        Tensor real = tensor(new long[] { 3, 4, 2, 5, 3, 2 }, [2, 3]);
        Tensor relaxed = rand([2, Time, Vocabulary], generator: new Generator(9)).softmax(-1);
        var fakes = new GeneratedBatch(relaxed.argmax(-1), relaxed, ones([2, Time]));
        Tensor penalty = GradientPenalty.Of(discriminator, format, real, fakes, new RandomKey(7));

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

        double PenaltyWith(Tensor parameter, int index, float by)
        {
            float[] kept = parameter.data<float>().ToArray();
            TensorMemory.Numbers(parameter)[index] += by;
            double moved = GradientPenalty.Of(discriminator, format, real, fakes, new RandomKey(7)).item<float>();
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
