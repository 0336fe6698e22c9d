using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Generators;

/// <summary>Each relaxation against its definition, and what its paper claims of it, on one categorical.</summary>
public sealed class RelaxationTests
{
    private const int Vocabulary = 5, Draws = 40000;
    private static readonly double[] _logits = [0.4, -0.9, 1.3, 0.1, -0.2], _weights = [0.7, -1.1, 0.4, 1.9, -0.6];

    public static TheoryData<string> Names => [.. Relaxation.All.Select(relaxation => relaxation.Name)];

    private static double[] Probabilities(double[] logits, double temperature = 1)
    {
        double[] exponentials = [.. logits.Select(logit => Math.Exp(logit / temperature))];
        return [.. exponentials.Select(exponential => exponential / exponentials.Sum())];
    }

    /// <summary>p (g - p . g): the gradient of g . softmax.</summary>
    private static double[] SoftmaxGradient(double[] p, double[] gradient)
    {
        double mean = p.Zip(gradient, (a, b) => a * b).Sum();
        return [.. p.Zip(gradient, (a, b) => a * (b - mean))];
    }

    /// <summary>Gradients [count, V] of weights . sample with respect to the logits, one a draw; and the tokens.</summary>
    private static (double[][] Gradients, long[] Tokens) Estimates(Relaxation relaxation, double temperature, int count, Tensor? noise = null,
        Func<Tensor, Tensor>? objective = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = tensor(_logits).unsqueeze(0).repeat(count, 1).requires_grad_(); // [count, V]
        noise ??= GumbelSoftmax.Noise(new RandomKey(21), count, Vocabulary);
        Tensor sample = GumbelSoftmax.Sample(logits, noise, temperature, relaxation, new RandomKey(22)); // [count, V]
        (objective ?? (s => (s * tensor(_weights)).sum()))(sample).backward();
        return ([.. logits.grad!.data<double>().ToArray().Chunk(Vocabulary)], sample.argmax(-1).data<long>().ToArray());
    }

    // Noise with which every token is drawn once.
    private static Tensor Each() => eye(Vocabulary, dtype: ScalarType.Float64) * 100;

    private static void AssertClose(IEnumerable<double> expected, IEnumerable<double> actual, double tolerance) =>
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_hard_one_gives_exact_one_hots_of_the_token_that_logits_and_noise_choose_and_a_soft_one_points_inside_the_simplex(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        Relaxation relaxation = Relaxation.All.Named(name);
        Tensor logits = randn([200, 30], generator: new Generator(1)), noise = GumbelSoftmax.Noise(new RandomKey(2), 200, 30);
        Tensor sample = GumbelSoftmax.Sample(logits, noise, 0.8, relaxation, new RandomKey(3));
        Assert.Equal((logits + noise).argmax(-1).data<long>().ToArray(), sample.argmax(-1).data<long>().ToArray());
        float[] values = sample.data<float>().ToArray();
        Assert.Equal(relaxation.IsHard, values.All(value => value is 0f or 1f));
        Assert.All(sample.sum(-1).data<float>().ToArray(), sum => Assert.Equal(1f, sum, 1e-5f));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Only_one_that_says_so_has_a_gradient_that_depends_on_more_than_the_token(string name)
    {
        Relaxation relaxation = Relaxation.All.Named(name);
        (double[][] gradients, long[] tokens) = Estimates(relaxation, 0.8, 200);
        bool differs = tokens.Zip(gradients).GroupBy(pair => pair.First).Any(group => group.Any(pair =>
            pair.Second.Zip(group.First().Second, (a, b) => Math.Abs(a - b)).Max() > 1e-9));
        Assert.Equal(relaxation.DependsOnNoise, differs);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(2)]
    public void Plain_straight_through_has_the_gradient_of_softmax(double temperature)
    {
        double[] expected = [.. SoftmaxGradient(Probabilities(_logits, temperature), _weights).Select(value => value / temperature)];
        Assert.All(Estimates(PlainStraightThroughRelaxation.Entry, temperature, Vocabulary, Each()).Gradients,
            gradient => AssertClose(expected, gradient, 1e-9));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1.5)]
    public void ReinMax_has_the_gradient_of_its_equation(double temperature)
    {
        (double[][] gradients, long[] tokens) = Estimates(ReinMaxRelaxation.Entry, temperature, Vocabulary, Each());
        for (int i = 0; i < Vocabulary; i++)
        {
            double[] pi1 = [.. Probabilities(_logits, temperature).Select((p, j) => (p + (j == tokens[i] ? 1 : 0)) / 2)];
            double[] first = SoftmaxGradient(pi1, _weights), second = SoftmaxGradient(Probabilities(_logits), _weights);
            AssertClose(first.Zip(second, (a, b) => 2 * a - b / 2), gradients[i], 1e-9);
        }
    }

    [Fact]
    public void The_mean_gradient_of_ReinMax_is_exact_for_a_quadratic_objective_at_temperature_1_and_not_for_a_cubic_one()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor matrix = randn([Vocabulary, Vocabulary], ScalarType.Float64, generator: new Generator(3));
        Assert.True(Error(ReinMaxRelaxation.Entry, 1, Quadratic) < 1e-9);
        Assert.True(Error(ReinMaxRelaxation.Entry, 1.5, Quadratic) > 1e-3);
        Assert.True(Error(PlainStraightThroughRelaxation.Entry, 1, Quadratic) > 1e-2);
        Assert.True(Error(ReinMaxRelaxation.Entry, 1, Cubic) > 1e-3);

        Tensor Quadratic(Tensor sample) => (sample.mm(matrix) * sample).sum(1) + (sample * tensor(_weights)).sum(1); // [B]
        Tensor Cubic(Tensor sample) => (sample.mm(matrix) * sample).sum(1) * (sample * tensor(_weights)).sum(1); // [B]

        // The mean over all tokens, each with its probability, against the gradient of the expectation.
        double Error(Relaxation relaxation, double temperature, Func<Tensor, Tensor> objective)
        {
            (double[][] gradients, long[] tokens) = Estimates(relaxation, temperature, Vocabulary, Each(), sample => objective(sample).sum());
            double[] values = objective(eye(Vocabulary, dtype: ScalarType.Float64)).data<double>().ToArray(), p = Probabilities(_logits);
            double[] mean = [.. Enumerable.Range(0, Vocabulary).Select(j => tokens.Select((token, i) => p[token] * gradients[i][j]).Sum())];
            return SoftmaxGradient(p, values).Zip(mean, (a, b) => Math.Abs(a - b)).Max();
        }
    }

    [Theory]
    [InlineData(1, 0.5)]
    [InlineData(0.3, 1)]
    public void Gapped_moves_the_logits_so_that_the_token_leads_by_the_gap_and_has_the_gradient_of_their_softmax(double gap, double temperature)
    {
        (double[][] gradients, long[] tokens) = Estimates(new GappedRelaxation { Gap = gap }, temperature, Vocabulary, Each());
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < Vocabulary; i++)
        {
            int token = (int)tokens[i];
            double[] moved = GappedRelaxation.Moved(tensor(_logits).unsqueeze(0), tensor([tokens[i]]), gap).data<double>().ToArray();
            Assert.Equal(_logits.Max(), moved[token], 1e-12);
            for (int j = 0; j < Vocabulary; j++)
            {
                if (j != token)
                {
                    Assert.True(moved[token] - moved[j] >= gap - 1e-12);
                    // No further than it must.
                    Assert.Equal(Math.Min(_logits[j], _logits.Max() - gap), moved[j], 1e-12);
                }
            }

            AssertClose(SoftmaxGradient(Probabilities(moved, temperature), _weights).Select(value => value / temperature), gradients[i], 1e-9);
        }
    }

    [Fact]
    public void Conditional_noise_has_the_token_for_its_argmax_and_the_moments_of_the_closed_form()
    {
        using DisposeScope scope = NewDisposeScope();
        double[] p = Probabilities(_logits);
        double sum = Math.Log(_logits.Sum(Math.Exp));
        for (int token = 0; token < Vocabulary; token++)
        {
            Tensor logits = tensor(_logits).unsqueeze(0).repeat(Draws, 1), tokens = full([Draws], token, ScalarType.Int64);
            Tensor perturbed = GumbelSoftmax.ConditionallyPerturbed(logits, tokens, new RandomKey(4)); // [B, V]
            Assert.True(perturbed.argmax(-1).eq(token).all().item<bool>());
            for (int j = 0; j < Vocabulary; j++)
            {
                // The largest is Gumbel with location ln Z. Any other one is Gumbel with location logit_j, cut off at the largest: integrated over
                // both.
                double mean = j == token ? sum + 0.57721566490153286 : CutOffMean(p[j]) + sum;
                Tensor column = perturbed.select(1, j);
                double error = column.std().item<double>() / Math.Sqrt(Draws);
                Assert.True(Math.Abs(column.mean().item<double>() - mean) < 4.5 * error,
                    $"{token}, {j}: {column.mean().item<double>()} against {mean}");
            }
        }

        // E of ln p - ln(A + p B) with A, B standard exponential: A + p B has the density (exp(-s) - exp(-s / p)) / (1 - p), and
        // E ln of an exponential with rate r is -gamma - ln r.
        static double CutOffMean(double share)
        {
            const double Gamma = 0.57721566490153286;
            double expectedLog = (-Gamma - share * (-Gamma + Math.Log(share))) / (1 - share);
            return Math.Log(share) - expectedLog;
        }
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(1)]
    public void Gumbel_Rao_has_the_mean_of_straight_through_and_no_more_variance(double temperature)
    {
        double[][] one = Estimates(StraightThroughRelaxation.Entry, temperature, Draws).Gradients;
        double[][] several = Estimates(new GumbelRaoRelaxation { Draws = 20 }, temperature, Draws).Gradients;
        for (int j = 0; j < Vocabulary; j++)
        {
            (double meanOne, double varianceOne) = Moments(one, j);
            (double meanSeveral, double varianceSeveral) = Moments(several, j);
            Assert.True(Math.Abs(meanOne - meanSeveral) < 4 * Math.Sqrt((varianceOne + varianceSeveral) / Draws));
            Assert.True(varianceSeveral < varianceOne, $"[{j}]: {varianceSeveral} is not below {varianceOne}");
        }

        static (double Mean, double Variance) Moments(double[][] gradients, int j)
        {
            double mean = gradients.Average(gradient => gradient[j]);
            return (mean, gradients.Average(gradient => Math.Pow(gradient[j] - mean, 2)));
        }
    }

    [Fact]
    public void Kinds_and_options_that_are_not_the_defaults_have_method_names_of_their_own()
    {
        Assert.Equal(["", "-straight-through", "-gumbel-rao", "-reinmax", "-gapped", "-plain-straight-through"],
            Relaxation.All.Select(relaxation => relaxation.MethodSuffix));
        Assert.Equal("-gumbel-rao-3", new GumbelRaoRelaxation { Draws = 3 }.MethodSuffix);
        Assert.Equal("-gapped-0.5", new GappedRelaxation { Gap = 0.5 }.MethodSuffix);
    }
}
