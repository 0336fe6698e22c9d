using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Losses;
using GumbelGan.Training.Objectives;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training;

/// <summary>The mixture of a relaxation and the score function, against either alone and against the exact gradient.</summary>
public sealed class MixtureObjectiveTests
{
    private const int Batches = 400;

    [Theory]
    [InlineData(RewardKind.Score)]
    [InlineData(RewardKind.Discriminator)]
    public void Without_a_share_of_the_relaxation_the_mean_gradient_is_that_of_the_expected_reward(RewardKind reward)
    {
        using var world = new EnumeratedWorld();
        using MixtureObjective objective = Mixture(world, 0, reward);
        double[][] rewards = reward == RewardKind.Discriminator
            ? world.SequenceRewards : [.. world.SequenceScores.Select(score => Enumerable.Repeat(score, EnumeratedWorld.Time).ToArray())];
        double[] exact = world.ExactGradient(rewards);
        (double[] mean, double[] error) = world.MeanGradient(objective, Batches);
        Assert.True(exact.Zip(error).Where(pair => pair.Second > 1e-9).Max(pair => Math.Abs(pair.First) / pair.Second) > 8);
        EnumeratedWorld.AssertWithinErrors(mean, error, exact);
    }

    [Fact]
    public void With_the_whole_share_the_gradient_is_the_relaxations_own()
    {
        using var world = new EnumeratedWorld();
        var config = new RunConfig
        {
            Adversarial = new AdversarialOptions
            {
                BatchSize = EnumeratedWorld.Batch,
                Relaxation = StraightThroughRelaxation.Entry,
                Loss = GameLoss.All.Single(loss => loss.Name == "wasserstein"),
            },
        };
        using var relaxed = new GumbelObjective(world.Parts(config));
        using MixtureObjective mixture = Mixture(world, 1);
        double[] expected = world.Gradient(relaxed, 3), actual = world.Gradient(mixture, 3);
        AssertClose(expected, actual);
    }

    [Theory]
    [InlineData(0.25)]
    [InlineData(0.9)]
    public void In_between_the_gradient_of_a_batch_is_the_weighted_sum_of_both(double share)
    {
        using var world = new EnumeratedWorld();
        using MixtureObjective none = Mixture(world, 0), all = Mixture(world, 1), some = Mixture(world, share);
        double[] score = world.Gradient(none, 5), relaxed = world.Gradient(all, 5);
        Assert.True(score.Zip(relaxed).Max(pair => Math.Abs(pair.First - pair.Second)) > 0.01);
        AssertClose([.. score.Zip(relaxed).Select(pair => (1 - share) * pair.First + share * pair.Second)], world.Gradient(some, 5));
    }

    [Fact]
    public void The_bonus_for_entropy_is_the_same_whatever_the_share_of_the_score_function()
    {
        using var world = new EnumeratedWorld();
        double[] Bonus(double share)
        {
            RunConfig config = Config(new MixtureOptions { Initial = share, Final = share }, RewardKind.Score);
            using MixtureObjective without = new(world.Parts(config)),
                with = new(world.Parts(config with { Reinforce = config.Reinforce with { EntropyBonus = 0.7 } }));
            return [.. world.Gradient(with, 5).Zip(world.Gradient(without, 5)).Select(pair => pair.First - pair.Second)];
        }

        Assert.True(Bonus(0).Max(Math.Abs) > 0.01);
        AssertClose(Bonus(0), Bonus(1));
    }

    [Fact]
    public void The_share_goes_from_its_first_value_to_its_last_in_a_straight_line()
    {
        using var world = new EnumeratedWorld();
        using DisposeScope scope = NewDisposeScope();
        using var objective = new MixtureObjective(world.Parts(Config(new MixtureOptions { Initial = 0.8, Final = 0.4 }, RewardKind.Score)));
        GeneratedBatch batch = objective.Generate(EnumeratedWorld.Batch, 1, new RandomKey(3));
        foreach ((int step, double share) in new[] { (1, 0.75), (2, 0.7), (8, 0.4) })
        {
            IReadOnlyList<(string Tag, double Value)> measured =
                objective.GeneratorLoss(batch with { Step = step, Steps = 8 }, zeros(EnumeratedWorld.Batch)).Measured;
            Assert.Equal(share, measured.Single(pair => pair.Tag == "mixture/share").Value, 1e-12);
        }
    }

    [Fact]
    public void The_relaxed_samples_are_scored_as_their_tokens_are()
    {
        using var world = new EnumeratedWorld();
        using DisposeScope scope = NewDisposeScope();
        using MixtureObjective objective = Mixture(world, 0.5);
        GeneratedBatch batch = objective.Generate(EnumeratedWorld.Batch, 1, new RandomKey(3));
        double mean = objective.GeneratorLoss(batch, zeros(EnumeratedWorld.Batch)).Measured.Single(pair => pair.Tag == "reward/mean").Value;
        double[] scores = [.. world.Discriminator.Score(batch.Ids).data<float>().ToArray().Select(value => (double)value)];
        double[] lengths = [.. batch.Mask.sum(1).data<float>().ToArray().Select(value => (double)value)];
        Assert.Equal(scores.Zip(lengths).Sum(pair => pair.First * pair.Second) / lengths.Sum(), mean, 1e-4);
    }

    [Fact]
    public void Runs_are_compared_under_the_name_of_the_relaxation_the_ending_and_the_reward()
    {
        RunConfig config = Config(new MixtureOptions(), RewardKind.Score);
        Assert.Equal("mixture-straight-through-score", MixtureObjective.Kind.MethodName(config));
        Assert.Equal("mixture-straight-through-ending-score",
            MixtureObjective.Kind.MethodName(config with { Generator = config.Generator with { Ending = Ending.Gradient } }));
    }

    private static MixtureObjective Mixture(EnumeratedWorld world, double share, RewardKind reward = RewardKind.Score) =>
        new(world.Parts(Config(new MixtureOptions { Initial = share, Final = share }, reward)));

    private static RunConfig Config(MixtureOptions shares, RewardKind reward) => new()
    {
        Adversarial = new AdversarialOptions { BatchSize = EnumeratedWorld.Batch, Relaxation = StraightThroughRelaxation.Entry },
        Reinforce = new ReinforceOptions { Reward = reward },
        Mixture = shares,
    };

    private static void AssertClose(double[] expected, double[] actual) =>
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * Math.Max(1, expected.Max(Math.Abs))));
}
