using GumbelGan.Discriminators;
using GumbelGan.Generators;
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
    private const int Time = 4, First = 2, Vocabulary = 6, Batch = 32, Batches = 400;
    private static readonly SequenceFormat _format = new(Vocabulary, Time, 1, 2, 0);

    [Theory]
    [InlineData(BaselineKind.None)]
    [InlineData(BaselineKind.MovingAverage)]
    [InlineData(BaselineKind.LeaveOneOut)]
    public void With_one_reward_a_sequence_the_mean_gradient_is_that_of_the_expected_reward(BaselineKind baseline)
    {
        using var world = new World();
        Check(world, new ReinforceOptions { Baseline = baseline, BaselineDecay = 0.5 }, world.ExactGradient(world.SequenceRewards));
    }

    [Theory]
    [InlineData(CreditKind.Sequence)]
    [InlineData(CreditKind.Dense)]
    public void With_raw_scores_as_rewards_the_mean_gradient_is_that_of_the_expected_score(CreditKind credit)
    {
        using var world = new World();
        double[][] scores = [.. world.SequenceScores.Select(score => Enumerable.Repeat(score, Time).ToArray())];
        var options = new ReinforceOptions { Reward = RewardKind.Score, Credit = credit, Discount = 0.4, Baseline = BaselineKind.LeaveOneOut };
        Check(world, options, world.ExactGradient(credit == CreditKind.Dense ? world.DiscountedReturns(0.4, score => score) : scores));
    }

    [Theory]
    [InlineData(1, BaselineKind.MovingAverage)]
    [InlineData(3, BaselineKind.LeaveOneOut)]
    public void With_roll_outs_of_the_generator_itself_the_mean_gradient_is_that_of_the_expected_reward(int rollOuts, BaselineKind baseline)
    {
        using var world = new World();
        Check(world, new ReinforceOptions { Credit = CreditKind.RollOuts, RollOuts = rollOuts, Baseline = baseline },
            world.ExactGradient(world.SequenceRewards));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0.23)]
    public void With_a_reward_a_prefix_the_mean_gradient_weighs_each_token_by_its_discounted_later_rewards(double discount)
    {
        using var world = new World();
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
        using var world = new World();
        (double[] mean, double[] error) = MeanGradient(world, new ReinforceOptions { Reward = reward, ConstantReward = 2, Baseline = baseline });
        AssertWithinErrors(mean, error, new double[mean.Length]);
    }

    [Theory]
    [InlineData(BaselineKind.LeaveOneOut, 0)]
    [InlineData(BaselineKind.MovingAverage, 1)]
    public void Under_a_constant_reward_a_baseline_leaves_no_gradient_at_all(BaselineKind baseline, int batchesBefore)
    {
        using var world = new World();
        using var objective = world.Objective(new ReinforceOptions { Reward = RewardKind.Constant, ConstantReward = 2, Baseline = baseline });
        for (ulong batch = 0; batch < (ulong)batchesBefore; batch++)
        {
            world.Gradient(objective, batch);
        }

        Assert.All(world.Gradient(objective, 99), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Baselines_lower_the_variance_of_the_gradient()
    {
        using var world = new World();
        double without = Variance(BaselineKind.None);
        Assert.True(Variance(BaselineKind.MovingAverage) < 0.5 * without);
        Assert.True(Variance(BaselineKind.LeaveOneOut) < 0.5 * without);

        double Variance(BaselineKind baseline) =>
            MeanGradient(world, new ReinforceOptions { Baseline = baseline }, 200).Error.Sum(error => error * error);
    }

    [Fact]
    public void Whitened_advantages_have_mean_zero_and_deviation_one_over_the_tokens()
    {
        using var world = new World();
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
        using var world = new World();
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
        using var world = new World();
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
        using var world = new World();
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

    private static void Check(World world, ReinforceOptions options, double[] exact)
    {
        (double[] mean, double[] error) = MeanGradient(world, options, options.Baseline == BaselineKind.None ? 4 * Batches : Batches);
        double power = exact.Zip(error).Where(pair => pair.Second > 1e-9).Max(pair => Math.Abs(pair.First) / pair.Second);
        Assert.True(power > 8, $"The test has no power: the largest entry of the gradient is {power} of its errors.");
        AssertWithinErrors(mean, error, exact);
    }

    private static void AssertWithinErrors(double[] mean, double[] error, double[] exact)
    {
        double[] distances = [.. Enumerable.Range(0, mean.Length).Where(i => error[i] > 1e-9).Select(i => (mean[i] - exact[i]) / error[i])];
        Assert.True(distances.Length > mean.Length / 2);
        Assert.All(distances, distance => Assert.InRange(distance, -5, 5));
        Assert.InRange(distances.Average(distance => distance * distance), 0.1, 2.5);
        Assert.All(Enumerable.Range(0, mean.Length).Where(i => error[i] <= 1e-9), i => Assert.Equal(exact[i], mean[i], 1e-6));
    }

    private static (double[] Mean, double[] Error) MeanGradient(World world, ReinforceOptions options, int batches = Batches)
    {
        using var objective = world.Objective(options);
        double[][] gradients = [.. Enumerable.Range(0, batches).Select(batch => world.Gradient(objective, (ulong)batch))];
        double[] mean = [.. gradients[0].Select((_, i) => gradients.Average(gradient => gradient[i]))];
        double[] error =
            [.. mean.Select((value, i) => Math.Sqrt(gradients.Sum(gradient => Math.Pow(gradient[i] - value, 2)) / (batches - 1.0) / batches))];
        return (mean, error);
    }

    private static void AssertClose(double[] expected, double[] actual, double tolerance) =>
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance));

    /// <summary>A small generator and a sharp discriminator, with every sequence, its probability and its score.</summary>
    private sealed class World : IDisposable
    {
        private readonly Tensor _all;

        public World()
        {
            Generator = new LstmGenerator(new LstmGeneratorOptions { Embedding = 3, Hidden = 4 }, _format, new RandomKey(21));
            Discriminator = new LstmDiscriminatorOptions { Embedding = 3, Hidden = 5 }.Create(Vocabulary, 0, new RandomKey(22));
            Discriminator.SetTrainable(false);
            using (no_grad())
            {
                // Rewards well apart from each other: a gradient worth estimating.
                Discriminator.get_parameter("output.weight")!.mul_(20);
            }

            List<long[]> sequences = [];
            Extend([]);
            _all = tensor(sequences.SelectMany(row => row).ToArray(), [sequences.Count, Time]);
            Sequences = [.. sequences.Select(row => string.Concat(row))];
            using DisposeScope scope = NewDisposeScope();
            using IDisposable off = no_grad();
            Probabilities = [.. (-Generator.TokenNegativeLogLikelihood(_all).sum(1)).exp().data<float>().ToArray().Select(value => (double)value)];
            Assert.Equal(121, Sequences.Length);
            Assert.Equal(1, Probabilities.Sum(), 1e-5);

            void Extend(long[] prefix)
            {
                if (prefix.Length == Time || (prefix.Length > 0 && prefix[^1] == _format.EndId))
                {
                    sequences.Add([.. prefix, .. Enumerable.Repeat((long)_format.PaddingId!, Time - prefix.Length)]);
                    return;
                }

                for (long id = First; id < Vocabulary; id++)
                {
                    Extend([.. prefix, id]);
                }
            }
        }

        public LstmGenerator Generator { get; }

        public Discriminator Discriminator { get; }

        public string[] Sequences { get; }

        public double[] Probabilities { get; }

        /// <summary>The reward of each sequence, at each of its places.</summary>
        public double[][] SequenceRewards => [.. Scores(_all).Select(score => Enumerable.Repeat(1 / (1 + Math.Exp(-score)), Time).ToArray())];

        /// <summary>The raw score of each sequence.</summary>
        public double[] SequenceScores => Scores(_all);

        /// <summary>Sum over later prefixes of discount^distance (2 D - 1), or another reward, each prefix scored on its own.</summary>
        public double[][] DiscountedReturns(double discount, Func<double, double>? reward = null)
        {
            reward ??= score => 2 / (1 + Math.Exp(-score)) - 1;
            long[] ids = _all.data<long>().ToArray();
            return [.. Sequences.Select((_, row) =>
            {
                long[] sequence = ids[(row * Time)..((row + 1) * Time)];
                double[] rewards = [.. Enumerable.Range(0, Time).Select(t =>
                    sequence[t] == _format.PaddingId
                        ? 0 : reward(Scores(tensor([.. sequence[..(t + 1)], .. new long[Time - t - 1]], [1, Time]))[0]))];
                return Enumerable.Range(0, Time)
                    .Select(t => Enumerable.Range(t, Time - t).Sum(s => Math.Pow(discount, s - t) * rewards[s])).ToArray();
            })];
        }

        /// <summary>The gradient of the loss: minus the sum over sequences x and places t of p(x) return(x, t) grad log p(x_t | before).</summary>
        public double[] ExactGradient(double[][] returns)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor weights =
                tensor([.. returns.SelectMany((row, x) => row.Select(value => (float)(value * Probabilities[x])))], [Sequences.Length, Time]);
            Generator.zero_grad();
            (weights * Generator.TokenNegativeLogLikelihood(_all)).sum().backward();
            return Gradients();
        }

        /// <summary>A game of generator and discriminator, without real sequences.</summary>
        public ReinforceObjective Objective(ReinforceOptions options)
        {
            var none = new RealSequences(_ => throw new InvalidOperationException("Nothing real is asked for."), 1);
            return new ReinforceObjective(new TrainingParts(new RunConfig { Reinforce = options }, Generator, Discriminator, none, none));
        }

        /// <summary>The gradient of one batch.</summary>
        public double[] Gradient(ReinforceObjective objective, ulong batch)
        {
            using DisposeScope scope = NewDisposeScope();
            Generator.zero_grad();
            objective.GeneratorLoss(objective.Generate(Batch, 1, new RandomKey(77).Derive(batch)), zeros(Batch)).Loss.backward();
            return Gradients();
        }

        public void Dispose()
        {
            _all.Dispose();
            Generator.Dispose();
            Discriminator.Dispose();
        }

        private double[] Scores(Tensor ids)
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable off = no_grad();
            return [.. Discriminator.Score(ids).data<float>().ToArray().Select(value => (double)value)];
        }

        private double[] Gradients() =>
            [.. Generator.parameters().SelectMany(parameter => parameter.grad!.data<float>().ToArray().Select(value => (double)value))];
    }
}
