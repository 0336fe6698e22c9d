using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>The untrained weights are a checkpoint like any other: they may be the best, and are gone back to.</summary>
public sealed class FirstWeightsTests
{
    [Fact]
    public void A_run_that_only_worsens_has_its_first_weights_as_its_best_and_can_be_evaluated()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=mle", "adversarial.steps=0", "pretraining.epochs=2", "pretraining.learning_rate=10",
            "pretraining.dropout=0", "data.validation_fraction=0.3");
        run.Train(config);
        RunFolder folder = RunFolder.Open(run.Run);
        Assert.Equal(0, folder.Best().State().Step);
        Assert.Equal(0, FinalEvaluation.Evaluate(run.Run, new FinalEvaluationOptions { Count = 20, Temperatures = [1] },
            TestContext.Current.CancellationToken).Document.Selected!.Step);
    }

    [Fact]
    public void What_follows_pre_training_goes_on_from_the_first_weights_where_those_were_the_best()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config(
            "objective=gumbel", "pretraining.epochs=2", "pretraining.learning_rate=10", "pretraining.dropout=0", "adversarial.steps=1",
                "adversarial.generator_learning_rate=0",
            "recording.checkpoint_every=1", "recording.keep_checkpoints=100"));
        RunFolder folder = RunFolder.Open(run.Run);
        byte[] Weights(Checkpoint checkpoint) => File.ReadAllBytes(Path.Combine(checkpoint.Path, "generator.safetensors"));
        Assert.Equal(Weights(folder.OfStep(0)!), Weights(folder.ReadStart(checkpoint => checkpoint)));
        Assert.Equal(Weights(folder.ReadStart(checkpoint => checkpoint)), Weights(folder.Latest()));
    }
}
