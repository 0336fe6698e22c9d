using GumbelGan.Storage;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>Which weights stand for a method: the best of its own phase, never those that it began with.</summary>
public sealed class SelectionTests
{
    // A rate at which the game only harms the likelihood that pre-training reached.
    private static readonly string[] _harmful = ["objective=gumbel", "adversarial.generator_learning_rate=0.05", "recording.keep_checkpoints=100"];

    [Fact]
    public void The_best_of_a_game_that_only_worsens_pre_trained_weights_is_of_the_game_and_has_the_lowest_nll_recorded_in_it()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config(_harmful));
        MetricsRecord[] evaluated = [.. Evaluations(run.Run)];
        MetricsRecord[] game = [.. evaluated.Where(record => record.Phase == "adversarial")];
        Assert.True(Nll(evaluated.MinBy(Nll)!) < game.Min(Nll), "the pre-trained weights have the lowest of all");
        RunFolder folder = RunFolder.Open(run.Run);
        Assert.Equal(game.MinBy(Nll)!.Step, folder.Best().State().Step);
        Assert.Equal((game.Min(Nll), game.MinBy(Nll)!.Step), (folder.Latest().State().BestValidationNll!.Value, folder.Latest().State().BestStep));
    }

    [Fact]
    public void What_the_game_began_with_is_pointed_to_and_is_the_best_of_pre_training()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config([.. _harmful, "pretraining.epochs=4"]));
        RunFolder folder = RunFolder.Open(run.Run);
        MetricsRecord best = Evaluations(run.Run).Where(record => record.Phase == "pretraining").MinBy(Nll)!;
        Assert.Equal(Weights(folder.OfStep(best.Step)!), Weights(folder.ReadStart(checkpoint => checkpoint)));
        Assert.NotEqual(Weights(folder.ReadStart(checkpoint => checkpoint)), Weights(folder.Best()));
    }

    [Fact]
    public void Pre_training_that_stops_early_goes_back_to_its_own_best_and_the_phase_after_it_begins_a_new_search()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle", "pretraining.epochs=20", "pretraining.learning_rate=0.3", "pretraining.dropout=0",
            "pretraining.patience=2", "recording.keep_checkpoints=100", "adversarial.generator_learning_rate=0"));
        RunFolder folder = RunFolder.Open(run.Run);
        MetricsRecord[] evaluated = [.. Evaluations(run.Run)];
        long steps = evaluated.Last(record => record.Phase == "pretraining").Step;
        MetricsRecord best = evaluated.Where(record => record.Phase == "pretraining").MinBy(Nll)!;
        Assert.True(best.Step < steps, "the last evaluations of pre-training were no better");
        Assert.Equal(Weights(folder.OfStep(best.Step)!), Weights(folder.Latest()));
        Assert.True(folder.Best().State().Step > steps);
    }

    [Fact]
    public void Without_pre_training_the_untrained_weights_are_a_checkpoint_but_not_the_methods_best()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config([.. _harmful, "pretraining.epochs=0", "adversarial.discriminator_warm_up_steps=0"]));
        RunFolder folder = RunFolder.Open(run.Run);
        Assert.Equal(0, folder.ReadStart(checkpoint => checkpoint).State().Step);
        Assert.True(folder.Best().State().Step > 0);
        Assert.Equal("start", Evaluations(run.Run).First().Phase);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(12)]
    public void A_run_that_is_interrupted_before_or_after_the_first_evaluation_of_its_last_phase_selects_the_same_weights(int reports)
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config(_harmful);
        run.Train(config);
        string interrupted = Path.Combine(run.Folder, "interrupted");
        using var stop = new CancellationTokenSource();
        var observer = new ReportingObserver(seen => { if (seen == reports) { stop.Cancel(); } });
        Assert.Throws<OperationCanceledException>(() => TemporaryRun.TrainInto(interrupted, config, observer, stop.Token));
        TrainingJob.Resume(interrupted, new SilentTrainingObserver(), CancellationToken.None);
        AdversarialTrainerTests.AssertSameRun(run.Run, interrupted);
        Assert.Equal(RunFolder.Open(run.Run).Best().State().Step, RunFolder.Open(interrupted).Best().State().Step);
    }

    [Fact]
    public void A_state_whose_best_is_of_an_earlier_phase_as_older_versions_wrote_it_gives_way_to_the_first_evaluation_of_this_one()
    {
        var adversarial = new Phase("adversarial", 100, []);
        var pretraining = new Phase("pretraining", 100, []) { EndsAtBest = true };
        var state = new TrainingState { Phase = "adversarial", Step = 150, PhaseStep = 50, BestValidationNll = 1, BestStep = 90 };
        Assert.False(state.BestIsOf(adversarial));
        Assert.False((state with { BestStep = 100 }).BestIsOf(adversarial));
        Assert.True((state with { BestStep = 101 }).BestIsOf(adversarial));
        Assert.True((state with { Step = 50, BestStep = 0 }).BestIsOf(pretraining));
        Assert.False((state with { BestValidationNll = null, BestStep = 120 }).BestIsOf(adversarial));
    }

    private static IEnumerable<MetricsRecord> Evaluations(string run) =>
        MetricsJournal.Read(Path.Combine(run, MetricsJournal.FileName)).Where(record => record.Scalars.ContainsKey("nll/validation"));

    private static double Nll(MetricsRecord record) => record.Scalars["nll/validation"];

    private static byte[] Weights(Checkpoint checkpoint) => File.ReadAllBytes(Path.Combine(checkpoint.Path, "generator.safetensors"));
}
