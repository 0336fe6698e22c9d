using GumbelGan.Generators;
using GumbelGan.Laboratory;
using GumbelGan.Randomness;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Laboratory;

public sealed class EstimatorMomentTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_mean_of_REINFORCE_is_the_truth_whatever_the_baseline(bool ends)
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(4, 4, ends);
        using ExactGame exact = game.Exact();
        using var scores = ScoreFunctionMoments.Of(exact, TestContext.Current.CancellationToken);
        var variances = new Dictionary<ScoreBaseline, double>();
        foreach (ScoreBaseline baseline in Enum.GetValues<ScoreBaseline>())
        {
            using GradientMoments moments = scores.With(baseline);
            GradientQuality quality = moments.Against(exact.Gradient);
            Assert.InRange(quality.RelativeBias.Value, 0, 1e-6);
            Assert.Equal(1, quality.Cosine.Value, 1e-9);
            Assert.Null(quality.Variance.Error);
            variances[baseline] = quality.Variance.Value;
        }

        Assert.True(variances[ScoreBaseline.BestConstant] < variances[ScoreBaseline.ExpectedReward]
            && variances[ScoreBaseline.ExpectedReward] < variances[ScoreBaseline.None]);
    }

    [Fact]
    public void The_variance_of_leave_one_out_is_the_one_that_all_pairs_give()
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(3, 2);
        using ExactGame exact = game.Exact();
        Tensor ids = exact.Strings.Pieces(100).Select(piece => piece.Ids.MoveToOuterDisposeScope()).Single();
        var each = new PerSequenceGenerator(exact.Generator, ids.shape[0]);
        Tensor rows = each.Gradients(each.LogProbability(ids)); // [N, P]
        double[] probabilities = exact.Probabilities.data<double>().ToArray(), rewards = exact.Rewards.data<double>().ToArray();
        double variance = 0;
        for (int i = 0; i < rewards.Length; i++)
        {
            for (int j = 0; j < rewards.Length; j++)
            {
                variance += probabilities[i]
                    * probabilities[j] * ((rows[i] - rows[j]) * (rewards[i] - rewards[j]) / 2 - exact.Gradient).square().sum().item<double>();
            }
        }

        using var scores = ScoreFunctionMoments.Of(exact, TestContext.Current.CancellationToken);
        using GradientMoments moments = scores.With(ScoreBaseline.OtherOfPair);
        Assert.Equal(2 * variance / exact.Gradient.square().sum().item<double>(), moments.Against(exact.Gradient).Variance.Value, 1e-9);
    }

    [Fact]
    public void Trainings_own_REINFORCE_has_the_mean_and_the_variance_that_enumeration_gives()
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(4, 3);
        using ExactGame exact = game.Exact(new Reward(1), isStandardised: false);
        const int Batch = 8, Batches = 3000;
        var config = new RunConfig
        {
            Reinforce = new ReinforceOptions { Baseline = BaselineKind.None },
            Adversarial = new AdversarialOptions { BatchSize = Batch }
        };
        var sequences = new RealSequences(_ => throw new InvalidOperationException(), 1);
        using var objective = new ReinforceObjective(new TrainingParts(config, game.Generator, game.Discriminator, sequences, sequences));
        using var moments = new GradientMoments(20, exact.Gradient.shape[0]);
        for (int i = 0; i < Batches; i++)
        {
            using DisposeScope step = NewDisposeScope();
            foreach (TorchSharp.Modules.Parameter parameter in game.Generator.parameters())
            {
                parameter.grad = null;
            }

            objective.GeneratorLoss(objective.Generate(Batch, 1, new RandomKey(77).Derive((ulong)i)), zeros(Batch)).Loss.backward();
            moments.Add(i % 20,
                -cat([.. game.Generator.parameters().Select(parameter => parameter.grad!.reshape(-1))]).to(ScalarType.Float64).unsqueeze(0));
        }

        using var scores = ScoreFunctionMoments.Of(exact, TestContext.Current.CancellationToken);
        using GradientMoments expected = scores.With(ScoreBaseline.None);
        GradientQuality enumerated = expected.Against(exact.Gradient), drawn = moments.Against(exact.Gradient);
        AssertWithin(4, enumerated.Variance.Value / Batch, drawn.Variance);
        AssertWithin(4, 1, drawn.Cosine);
        AssertWithin(4, 1, drawn.NormRatio);
        Assert.True(drawn.Variance.Error < 0.1 * drawn.Variance.Value);
    }

    [Fact]
    public void Gumbel_Softmax_has_less_bias_and_more_variance_the_lower_the_temperature()
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(4, 3);
        using ExactGame exact = game.Exact();
        GradientQuality[] qualities =
            [.. new[] { 4, 1, 0.25 }.Select(temperature => Quality(exact, SoftRelaxation.Entry, temperature, samples: 20000))];
        for (int i = 1; i < qualities.Length; i++)
        {
            Assert.True(qualities[i].RelativeBias.Value
                + 2 * qualities[i].RelativeBias.Error < qualities[i - 1].RelativeBias.Value - 2 * qualities[i - 1].RelativeBias.Error);
            Assert.True(qualities[i].Variance.Value > 1.5 * qualities[i - 1].Variance.Value);
        }
    }

    [Theory]
    [InlineData(0.25, Feedback.Relaxed, false, "lstm")]
    [InlineData(0.5, Feedback.Relaxed, true, "cnn")]
    [InlineData(1, Feedback.Hard, true, "lstm")]
    [InlineData(2, Feedback.Relaxed, false, "cnn")]
    public void Gumbel_Rao_has_the_mean_of_straight_through_Gumbel_Softmax_and_never_a_larger_squared_error(
        double temperature, Feedback feedback, bool ends, string discriminator)
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(4, 3, ends, discriminator);
        using ExactGame exact = game.Exact();
        GradientQuality one = Quality(exact, StraightThroughRelaxation.Entry, temperature, feedback, draws: 60);
        GradientQuality mean = Quality(exact, new GumbelRaoRelaxation { Draws = 4 }, temperature, feedback, draws: 60);
        AssertWithin(4, one.RelativeBias.Value, mean.RelativeBias with
        {
            Error = Math.Sqrt(Math.Pow(one.RelativeBias.Error!.Value, 2)
            + Math.Pow(mean.RelativeBias.Error!.Value, 2))
        });
        double errors = Math.Sqrt(Math.Pow(one.MeanSquaredError.Error!.Value, 2) + Math.Pow(mean.MeanSquaredError.Error!.Value, 2));
        Assert.True(mean.MeanSquaredError.Value < one.MeanSquaredError.Value - 2 * errors,
            $"{mean.MeanSquaredError.Value} is not below {one.MeanSquaredError.Value}");
    }

    [Theory]
    [InlineData(Feedback.Relaxed)]
    [InlineData(Feedback.Hard)]
    public void Straight_through_given_each_sequence_has_the_moments_of_free_draws(Feedback feedback)
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(4, 3, ends: true);
        using ExactGame exact = game.Exact();
        Assert.Equal(MomentSource.Conditioned, RelaxationMoments.SourceOf(StraightThroughRelaxation.Entry));
        GradientQuality conditioned = Quality(exact, StraightThroughRelaxation.Entry, 0.5, feedback, draws: 100);
        GradientQuality free = Quality(exact, StraightThroughRelaxation.Entry, 0.5, feedback, samples: 30000, source: MomentSource.Sampled);
        AssertAgree(conditioned, free);
        Assert.True(conditioned.RelativeBias.Value > 0.1);
    }

    [Fact]
    public void Plain_straight_through_summed_over_all_sequences_has_the_moments_of_free_draws()
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(4, 3, ends: true, discriminator: "cnn");
        using ExactGame exact = game.Exact();
        Assert.Equal(MomentSource.Exact, RelaxationMoments.SourceOf(PlainStraightThroughRelaxation.Entry));
        GradientQuality summed = Quality(exact, PlainStraightThroughRelaxation.Entry, 1);
        Assert.Null(summed.Cosine.Error);
        AssertAgree(summed, Quality(exact, PlainStraightThroughRelaxation.Entry, 1, samples: 30000, source: MomentSource.Sampled));
    }

    [Fact]
    public void Noise_given_the_chosen_tokens_chooses_them_and_is_Gumbel_noise_when_they_are_drawn()
    {
        using DisposeScope scope = NewDisposeScope();
        const int Draws = 40000;
        Tensor logits = tensor(new double[] { 0.3, -1.2, 1.7, 0 }).unsqueeze(0).expand(Draws, 4);
        Tensor ids = (logits + GumbelSoftmax.Noise(new RandomKey(1), Draws, 4)).argmax(-1);
        Tensor noise = RelaxedSampler.Conditional(logits, GumbelSoftmax.Noise(new RandomKey(2), Draws, 4).to(ScalarType.Float64), ids);
        Assert.True((logits + noise).argmax(-1).Equals(ids));
        for (int column = 0; column < 4; column++)
        {
            double[] sorted = [.. noise.select(1, column).contiguous().data<double>().ToArray().Order()];
            double distance = sorted.Select((value, i) => Math.Abs(Math.Exp(-Math.Exp(-value)) - (i + 0.5) / Draws)).Max();
            // Kolmogorov-Smirnov at level 0.001.
            Assert.InRange(distance, 0, 1.949 / Math.Sqrt(Draws));
        }
    }

    [Fact]
    public void The_bias_and_the_variance_of_made_up_estimates_are_found_within_their_standard_errors()
    {
        using DisposeScope scope = NewDisposeScope();
        using torch.Generator generator = new(5);
        const int Parameters = 300, Rows = 100;
        Tensor truth = ones(Parameters, ScalarType.Float64);
        using var moments = new GradientMoments(16, Parameters);
        for (int group = 0; group < 16; group++)
        {
            moments.Add(group, randn([Rows, Parameters], ScalarType.Float64, generator: generator) * 3 + 1.5);
        }

        // Each coordinate is 1.5 with deviation 3 where 1 is true: bias .5, variance 9, error 9.25, all relative.
        GradientQuality quality = moments.Against(truth);
        AssertWithin(4, 0.5, quality.RelativeBias);
        AssertWithin(4, 1, quality.Cosine);
        AssertWithin(4, 1.5, quality.NormRatio);
        AssertWithin(4, 9, quality.Variance);
        AssertWithin(4, 9.25, quality.MeanSquaredError);
        Assert.InRange(quality.RelativeBias.Error!.Value, 0.001, 0.05);
    }

    private static GradientQuality Quality(ExactGame game, Relaxation relaxation, double temperature, Feedback feedback = Feedback.Relaxed,
        int draws = 4, int samples = 1000, MomentSource? source = null)
    {
        using GradientMoments moments =
            RelaxationMoments.Of(game, relaxation, temperature, feedback, draws, samples, new RandomKey(21), source,
                TestContext.Current.CancellationToken);
        return moments.Against(game.Gradient);
    }

    private static void AssertAgree(GradientQuality left, GradientQuality right)
    {
        foreach (Func<GradientQuality, Estimate> of in (Func<GradientQuality, Estimate>[])[q => q.RelativeBias, q => q.Cosine, q => q.NormRatio,
            q => q.Variance, q => q.MeanSquaredError])
        {
            (Estimate a, Estimate b) = (of(left), of(right));
            Assert.InRange(Math.Abs(a.Value - b.Value), 0, 4 * Math.Sqrt(Math.Pow(a.Error ?? 0, 2) + Math.Pow(b.Error ?? 0, 2)));
            Assert.True((b.Error ?? 0) < 0.1 * b.Value);
        }
    }

    private static void AssertWithin(double errors, double expected, Estimate estimate) =>
        Assert.InRange(Math.Abs(estimate.Value - expected), 0, errors * estimate.Error!.Value);
}
