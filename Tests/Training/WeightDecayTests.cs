using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training;

/// <summary>The weight decay of each phase and player.</summary>
public sealed class WeightDecayTests
{
    private const double Rate = 0.01, Decay = 3;

    [Theory]
    [InlineData("gumbel", "pretraining", "pretraining.weight_decay", "pretraining.learning_rate")]
    [InlineData("mle", "maximum likelihood", "adversarial.generator_weight_decay", "adversarial.generator_learning_rate")]
    [InlineData("gumbel", "warm-up", "adversarial.discriminator_weight_decay", "adversarial.discriminator_learning_rate")]
    [InlineData("rloo", "adversarial", "adversarial.discriminator_weight_decay", "adversarial.discriminator_learning_rate", 0)]
    [InlineData("gumbel", "adversarial", "adversarial.generator_weight_decay", "adversarial.generator_learning_rate", 1)]
    [InlineData("rloo", "adversarial", "adversarial.generator_weight_decay", "adversarial.generator_learning_rate", 1)]
    public void A_first_update_shrinks_the_matrices_of_its_own_player_and_no_bias(
        string objective, string phase, string decayKey, string rateKey, int update = 0)
    {
        using var run = new TemporaryRun();
        string[] settings = [$"objective={objective}", $"{rateKey}={Rate}", "pretraining.dropout=0", "discriminator.dropout=0"];
        Dictionary<string, (float[] Before, float[] After, bool IsMatrix)> plain = FirstUpdate(0), decayed = FirstUpdate(Decay);
        Assert.Contains(plain.Values, weight => weight.IsMatrix);
        Assert.Contains(plain.Values, weight => !weight.IsMatrix);
        foreach ((string name, (float[] before, float[] after, bool isMatrix)) in plain)
        {
            // The gradients of a first update do not know of the decay.
            double kept = isMatrix ? Rate * Decay : 0;
            Assert.All(Enumerable.Range(0, before.Length),
                i => Assert.Equal(after[i] - kept * before[i], decayed[name].After[i], 1e-6 * (1 + Math.Abs(before[i]))));
        }

        Dictionary<string, (float[] Before, float[] After, bool IsMatrix)> FirstUpdate(double decay)
        {
            RunConfig config = run.Config([.. settings, $"{decayKey}={decay}"]);
            using TrainingJob job = TrainingJob.Prepare(config);
            using Objective game = config.Objective.Create(TrainingParts.Of(config, job.Corpus, job.Generator, job.Discriminator));
            Phase named = game.Named(phase);
            named.Begin();
            using var scope = NewDisposeScope();
            Update made = named.Updates[update];
            var before = made.Learner.Module.named_parameters().ToDictionary(one => one.name, one => one.parameter.data<float>().ToArray());
            var context = new StepContext(1, 10, 1, new RandomKey(1), new RandomKey(2));
            foreach (Update earlier in named.Updates.Take(update + 1))
            {
                earlier.Learner.Optimizer.LearningRate = earlier == made ? Rate : 0;
                earlier.Prepare(context, 0);
                Assert.True(earlier.Make(context, 0).IsFinite);
            }

            return made.Learner.Module.named_parameters().ToDictionary(one => one.name,
                one => (before[one.name], one.parameter.data<float>().ToArray(), one.parameter.dim() > 1));
        }
    }

    [Theory]
    [InlineData("pretraining.weight_decay=100", "pretraining.learning_rate=0.01", "'pretraining.weight_decay'")]
    [InlineData("adversarial.generator_weight_decay=11", "adversarial.generator_learning_rate=0.1", "adversarial.generator_weight_decay")]
    [InlineData("adversarial.discriminator_weight_decay=11", "adversarial.discriminator_learning_rate=0.1", "adversarial.discriminator_weight_decay")]
    public void A_decay_that_takes_weights_past_zero_is_refused(string decay, string rate, string named)
    {
        using var run = new TemporaryRun();
        Assert.Contains(named, Assert.Throws<UserMistakeException>(() => run.Config(decay, rate)).Message, StringComparison.Ordinal);
    }
}
