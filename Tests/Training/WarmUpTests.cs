using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training;

/// <summary>The warm-up of a discriminator.</summary>
public sealed class WarmUpTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_warm_up_reads_every_batch_whatever_the_number_of_updates_in_a_step_that_follows(int updates)
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=gumbel", $"adversarial.discriminator_steps={updates}");
        using TrainingJob job = TrainingJob.Prepare(config);
        var parts = TrainingParts.Of(config, job.Corpus, job.Generator, job.Discriminator);
        var read = new List<long>();
        using Objective objective = config.Objective.Create(parts with
        {
            Adversarial = parts.Adversarial with
            {
                Batch = number =>
                {
                    read.Add(number);
                    return parts.Adversarial.Batch(number);
                },
            },
        });
        Update warmUp = Assert.Single(objective.Named("warm-up").Updates), game = objective.Named("adversarial").Updates[0];
        Assert.Equal(1, warmUp.TimesAStep);
        Assert.Equal([0, 1, 2, 3], BatchesOf(warmUp, 4));
        Assert.Equal(Enumerable.Range(0, 4 * updates).Select(number => (long)number), BatchesOf(game, 4).Order());

        long[] BatchesOf(Update update, int steps)
        {
            read.Clear();
            for (int step = 1; step <= steps; step++)
            {
                using var scope = NewDisposeScope();
                var context = new StepContext(step, steps, 1, new GumbelGan.Randomness.RandomKey(1), new GumbelGan.Randomness.RandomKey(2));
                for (int repeat = 0; repeat < update.TimesAStep; repeat++)
                {
                    update.Prepare(context, repeat);
                    _ = update.Loss(context, repeat);
                }
            }

            return [.. read];
        }
    }
}
