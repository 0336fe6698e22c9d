using GumbelGan.Randomness;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training;

/// <summary>
/// Every estimator against the exact gradient, summed over all 121 sequences of a language of V = 4 generated tokens (one of them the end)
/// and T = 4 places. The mean gradient of M batches must lie within 5 of its own standard errors of the exact one, in every coordinate,
/// and its squared distance in standard errors must average about 1: tests with power, since the exact gradient is at least 8 errors from 0
/// somewhere.
/// </summary>
public sealed class ReinforceObjectiveTests
{
    private const int Time = EnumeratedWorld.Time, First = 2, Vocabulary = 6, Batch = EnumeratedWorld.Batch, Batches = 400;

    [Theory]
    [InlineData(BaselineKind.None)]
    [InlineData(BaselineKind.MovingAverage)]
    [InlineData(BaselineKind.LeaveOneOut)]
    [InlineData(BaselineKind.Pooled)]
    public void With_one_reward_a_sequence_the_mean_gradient_is_that_of_the_expected_reward(BaselineKind baseline)
    {
        using var world = new EnumeratedWorld();
        Check(world, new ReinforceOptions { Baseline = baseline, BaselineDecay = 0.5 }, world.ExactGradient(world.SequenceRewards));
    }

    [Theory]
    [InlineData(CreditKind.Sequence)]
    [InlineData(CreditKind.Dense)]
    public void With_raw_scores_as_rewards_the_mean_gradient_is_that_of_the_expected_score(CreditKind credit)
    {
        using var world = new EnumeratedWorld();
        double[][] scores = [.. world.SequenceScores.Select(score => Enumerable.Repeat(score, Time).ToArray())];
        var options = new ReinforceOptions { Reward = RewardKind.Score, Credit = credit, Discount = 0.4, Baseline = BaselineKind.LeaveOneOut };
        Check(world, options, world.ExactGradient(credit == CreditKind.Dense ? world.DiscountedReturns(0.4, score => score) : scores));
    }

    [Theory]
    [InlineData(1, BaselineKind.MovingAverage)]
    [InlineData(3, BaselineKind.LeaveOneOut)]
    public void With_roll_outs_of_the_generator_itself_the_mean_gradient_is_that_of_the_expected_reward(int rollOuts, BaselineKind baseline)
    {
        using var world = new EnumeratedWorld();
        Check(world, new ReinforceOptions { Credit = CreditKind.RollOuts, RollOuts = rollOuts, Baseline = baseline },
            world.ExactGradient(world.SequenceRewards));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0.23)]
    public void With_a_reward_a_prefix_the_mean_gradient_weighs_each_token_by_its_discounted_later_rewards(double discount)
    {
        using var world = new EnumeratedWorld();
        double[] exact = world.ExactGradient(world.DiscountedReturns(discount));
        if (discount == 1)
        {
            // Undiscounted, it is the gradient of the expected sum of rewards, whatever the way of crediting.
            AssertClose(exact,
                world.ExactGradient([.. world.DiscountedReturns(1).Select(returns => Enumerable.Repeat(returns[0], Time).ToArray())]), 1e-5);
        }

        Check(world, new ReinforceOptions { Credit = CreditKind.Dense, Discount = discount }, exact);
    }

    [Theory]
    [InlineData(RewardKind.Constant, BaselineKind.None)]
    [InlineData(RewardKind.Random, BaselineKind.MovingAverage)]
    public void A_reward_that_knows_nothing_of_the_sequence_moves_nothing_on_average(RewardKind reward, BaselineKind baseline)
    {
        using var world = new EnumeratedWorld();
        (double[] mean, double[] error) = MeanGradient(world, new ReinforceOptions { Reward = reward, ConstantReward = 2, Baseline = baseline });
        EnumeratedWorld.AssertWithinErrors(mean, error, new double[mean.Length]);
    }

    [Theory]
    [InlineData(BaselineKind.LeaveOneOut, 0)]
    [InlineData(BaselineKind.MovingAverage, 1)]
    public void Under_a_constant_reward_a_baseline_leaves_no_gradient_at_all(BaselineKind baseline, int batchesBefore)
    {
        using var world = new EnumeratedWorld();
        using var objective = world.Objective(new ReinforceOptions { Reward = RewardKind.Constant, ConstantReward = 2, Baseline = baseline });
        for (ulong batch = 0; batch < (ulong)batchesBefore; batch++)
        {
            world.Gradient(objective, batch);
        }

        Assert.All(world.Gradient(objective, 99), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Rloo_is_reinforce_with_the_baseline_of_the_others_and_pooling_without_a_past_is_the_same()
    {
        using var world = new EnumeratedWorld();
        using var named = (AdversarialObjective)ReinforceObjective.LeaveOneOutKind.Create(world.Parts(new RunConfig()));
        using var spelled = world.Objective(new ReinforceOptions { Baseline = BaselineKind.LeaveOneOut });
        using var pooled = world.Objective(new ReinforceOptions { Baseline = BaselineKind.Pooled });
        double[] expected = world.Gradient(spelled, 1);
        Assert.Equal(expected, world.Gradient(named, 1));
        AssertClose(expected, world.Gradient(pooled, 1), 1e-6);
    }

    [Theory]
    [InlineData("rloo", "rloo", null, RewardKind.Discriminator)]
    [InlineData("rloo-score", "reinforce", BaselineKind.LeaveOneOut, RewardKind.Score)]
    [InlineData("reinforce", "reinforce", null, RewardKind.Discriminator)]
    [InlineData("reinforce", "reinforce", BaselineKind.MovingAverage, RewardKind.Discriminator)]
    [InlineData("rebar-score", "rebar", null, RewardKind.Score)]
    [InlineData("relax", "relax", null, RewardKind.Discriminator)]
    public void Runs_are_compared_under_the_name_of_their_estimator(string name, string objective, BaselineKind? baseline, RewardKind reward)
    {
        ObjectiveKind kind = ObjectiveKind.All.Single(kind => kind.Name == objective);
        Assert.Equal(name, kind.MethodName(new RunConfig { Reinforce = new ReinforceOptions { Baseline = baseline, Reward = reward } }));
    }

    [Fact]
    public void Baselines_lower_the_variance_of_the_gradient()
    {
        using var world = new EnumeratedWorld();
        double without = Variance(BaselineKind.None);
        Assert.True(Variance(BaselineKind.MovingAverage) < 0.5 * without);
        Assert.True(Variance(BaselineKind.LeaveOneOut) < 0.5 * without);

        double Variance(BaselineKind baseline) =>
            MeanGradient(world, new ReinforceOptions { Baseline = baseline }, 200).Error.Sum(error => error * error);
    }

    [Fact]
    public void Whitened_advantages_have_mean_zero_and_deviation_one_over_the_tokens()
    {
        using var world = new EnumeratedWorld();
        using DisposeScope scope = NewDisposeScope();
        using var objective = world.Objective(new ReinforceOptions { Whiten = true, Baseline = BaselineKind.None });
        GeneratedBatch batch = objective.Generate(Batch, 1, new RandomKey(3));
        double actual = objective.GeneratorLoss(batch, zeros(Batch)).Loss.item<float>();
        double[] mask = [.. batch.Mask.reshape(-1).data<float>().ToArray().Select(value => (double)value)];
        double[] nll =
            [.. world.Generator.TokenNegativeLogLikelihood(batch.Ids).detach().reshape(-1).data<float>().ToArray().Select(value => (double)value)];
        double[] rewards = [.. world.Discriminator.Score(batch.Ids).detach().sigmoid().data<float>().ToArray().Select(value => (double)value)];
        int[] tokens = [.. Enumerable.Range(0, mask.Length).Where(i => mask[i] > 0)];
        double mean = tokens.Average(i => rewards[i / Time]), deviation = Math.Sqrt(tokens.Average(i => Math.Pow(rewards[i / Time] - mean, 2)));
        Assert.Equal(tokens.Sum(i => (rewards[i / Time] - mean) / deviation * nll[i]) / Batch, actual, 1e-3);
    }

    [Fact]
    public void The_entropy_bonus_subtracts_the_mean_entropy_of_the_next_token()
    {
        using var world = new EnumeratedWorld();
        using DisposeScope scope = NewDisposeScope();
        using var plain = world.Objective(new ReinforceOptions());
        using var bonus = world.Objective(new ReinforceOptions { EntropyBonus = 0.3 });
        GeneratedBatch batch = plain.Generate(Batch, 1, new RandomKey(3));
        double difference = bonus.GeneratorLoss(batch, zeros(Batch)).Loss.item<float>() - plain.GeneratorLoss(batch, zeros(Batch)).Loss.item<float>();
        float[] logits = world.Generator.Logits(batch.Ids).detach().reshape(-1).data<float>().ToArray(),
            mask = batch.Mask.reshape(-1).data<float>().ToArray();
        double entropy = 0;
        for (int place = 0; place < mask.Length; place++)
        {
            double[] weights = [.. Enumerable.Range(First, Vocabulary - First).Select(id => Math.Exp(logits[place * Vocabulary + id]))];
            entropy += mask[place] * weights.Sum(weight => -weight / weights.Sum() * Math.Log(weight / weights.Sum()));
        }

        Assert.Equal(-0.3 * entropy / mask.Sum(), difference, 1e-5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Completions_keep_their_prefix_and_are_drawn_from_the_generators_own_distribution(bool composed)
    {
        using var world = new EnumeratedWorld();
        using DisposeScope scope = NewDisposeScope();
        const int Copies = 40000;
        Tensor given = tensor(new long[] { 3, 5, 4, 2, 4, 2, 0, 0 }, [2, Time]);
        (Tensor ids, int[] origins) = composed
            ? world.Generator.CompleteComposed(given, Copies, new RandomKey(11)) : world.Generator.Complete(given, Copies, new RandomKey(11));
        Assert.Equal([0, 1, 2, 4], origins.Distinct().Order());
        Assert.All(origins.CountBy(origin => origin), count => Assert.Equal(Copies, count.Value));
        long[] rows = ids.data<long>().ToArray();
        string[] texts = [.. Enumerable.Range(0, origins.Length).Select(row => string.Concat(rows[(row * Time)..((row + 1) * Time)]))];
        foreach ((int origin, string prefix) in new[] { (0, "3"), (1, "35"), (2, "354"), (4, "4") })
        {
            string[] completed = [.. texts.Where((_, row) => origins[row] == origin)];
            Assert.All(completed, text => Assert.StartsWith(prefix, text, StringComparison.Ordinal));
            Dictionary<string, double> exact = world.Sequences.Zip(world.Probabilities)
                .Where(pair => pair.First.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(pair => pair.First, pair => pair.Second);
            double total = exact.Values.Sum();
            Dictionary<string, int> counts = completed.CountBy(text => text).ToDictionary();
            Assert.All(counts.Keys, text => Assert.True(exact.ContainsKey(text), text));
            double statistic =
                exact.Sum(pair => Math.Pow(counts.GetValueOrDefault(pair.Key) - Copies * pair.Value / total, 2) / (Copies * pair.Value / total));

            // Chi-squared with n - 1 degrees of freedom: mean n - 1, variance 2 (n - 1); five deviations.
            Assert.True(statistic < exact.Count - 1 + 5 * Math.Sqrt(2.0 * exact.Count), $"{prefix}: {statistic} for {exact.Count} strings");
        }
    }

    [Fact]
    public void The_roll_out_policy_follows_with_its_lag()
    {
        using var world = new EnumeratedWorld();
        using var objective = world.Objective(new ReinforceOptions { Credit = CreditKind.RollOuts, RollOutLag = 0.8 });
        float before = Bias(world.Generator);
        using (no_grad())
        {
            world.Generator.get_parameter("output.bias")!.add_(1);
        }

        objective.AfterGeneratorUpdate();
        Assert.Equal(before + 0.2f, PolicyBias(), 1e-6f);
        objective.Phases[^1].Begin();
        Assert.Equal(before + 1, PolicyBias(), 1e-6f);

        float PolicyBias() => objective.Tensors.Single(named => named.Name == "roll_out_policy.output.bias").Value.data<float>().ToArray()[3];
    }

    private static float Bias(nn.Module module) => module.get_parameter("output.bias")!.data<float>().ToArray()[3];

    private static void Check(EnumeratedWorld world, ReinforceOptions options, double[] exact)
    {
        (double[] mean, double[] error) = MeanGradient(world, options, options.Baseline == BaselineKind.None ? 4 * Batches : Batches);
        double power = exact.Zip(error).Where(pair => pair.Second > 1e-9).Max(pair => Math.Abs(pair.First) / pair.Second);
        Assert.True(power > 8, $"The test has no power: the largest entry of the gradient is {power} of its errors.");
        EnumeratedWorld.AssertWithinErrors(mean, error, exact);
    }

    private static (double[] Mean, double[] Error) MeanGradient(EnumeratedWorld world, ReinforceOptions options, int batches = Batches)
    {
        using var objective = world.Objective(options);
        return world.MeanGradient(objective, batches);
    }

    private static void AssertClose(double[] expected, double[] actual, double tolerance) =>
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance));
}
