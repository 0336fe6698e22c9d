using System.Text;
using GumbelGan.Storage;
using GumbelGan.Tests.Training.Recording;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Losses;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using TorchSharp;
using Xunit;

namespace GumbelGan.Tests.Training;

public sealed class HealthTests
{
    private static readonly HealthOptions _options = new();

    [Fact]
    public void A_collapsed_generator_is_warned_of_once_until_it_has_recovered()
    {
        var state = new HealthState();
        string?[] warnings = [.. ((double[])[0.5, 0.09, 0.01, 0.2, 0.05]).Select(share =>
        {
            (state, string? warning) = state.WithDistinct(_options, share, 200);
            return warning;
        })];
        Assert.Equal([false, true, false, false, true], warnings.Select(warning => warning is not null));
        Assert.Contains("only 9.0", warnings[1], StringComparison.Ordinal);
        Assert.Null(state.WithDistinct(_options with { MinimumDistinct = 0 }, 0, 200).Warning);
    }

    [Fact]
    public void A_saturated_discriminator_is_warned_of_after_so_many_reports_in_a_row_once()
    {
        var state = new HealthState();
        HealthOptions options = _options with { SaturatedReports = 3 };
        bool[] warned = [.. ((double[])[0.001, 0.001, 0.5, 0.001, 0.001, 0.001, 0.001, 0.5, 0, 0, 0]).Select(loss =>
        {
            (state, string? warning) = state.WithDiscriminatorLoss(options, loss);
            return warning is not null;
        })];
        Assert.Equal([false, false, false, false, false, true, false, false, false, false, true], warned);
    }

    [Fact]
    public void A_temperature_that_underflows_is_warned_of_in_a_run_and_a_high_one_is_not()
    {
        using var run = new TemporaryRun();
        var silent = new ReportingObserver(_ => { });
        run.Train(run.Config("objective=gumbel"), silent);
        Assert.DoesNotContain(silent.Messages, message => message.Contains("underflows", StringComparison.Ordinal));

        // At 1/1000 two logits 0.017 apart differ by a factor of e^17, more than the 24 bits of a float hold.
        string cold = Path.Combine(run.Folder, "cold");
        var observer = new ReportingObserver(_ => { });
        TemporaryRun.TrainInto(cold, run.Config("objective=gumbel", "temperature.initial=0.001", "temperature.final=0.001",
            "temperature.schedule=constant"), observer, CancellationToken.None);
        Assert.Single(observer.Messages, message => message.StartsWith("The temperature 0.001 underflows: 9", StringComparison.Ordinal)
            || message.StartsWith("The temperature 0.001 underflows: 100", StringComparison.Ordinal));
        Assert.Contains(EventReader.ReadFolder(cold).SelectMany(record => record.Values), value => value.Tag == "health/text_summary"
            && Encoding.UTF8.GetString(value.Tensor!.Strings[0]).Contains("underflows", StringComparison.Ordinal));
    }

    [Fact]
    public void A_collapsed_generator_is_warned_of_in_a_run()
    {
        using var run = new TemporaryRun();
        var observer = new ReportingObserver(_ => { });
        // Ten samples can at best be ten distinct ones: a limit of 1 demands exactly that, and an untrained generator of one token repeats itself.
        run.Train(run.Config("objective=mle", "health.minimum_distinct=1", "recording.bleu_samples=300"), observer);
        Assert.Single(observer.Messages, message => message.StartsWith("The generator has collapsed", StringComparison.Ordinal));
    }

    [Fact]
    public void A_run_that_diverges_rolls_back_and_goes_on_at_half_the_learning_rates_exactly_even_if_interrupted()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=gumbel", "health.on_divergence=roll_back");
        ReportingObserver observer = Poisoned(run.Run, config, reports => reports == 14, CancellationToken.None);
        string message = Assert.Single(observer.Messages, message => message.Contains("diverged", StringComparison.Ordinal));
        Assert.EndsWith("Going on from there at 0.5 of the configured learning rates (roll-back 1).", message, StringComparison.Ordinal);

        IReadOnlyList<MetricsRecord> records = MetricsJournal.Read(Path.Combine(run.Run, "metrics.jsonl"));
        Assert.Equal(0.5, Assert.Single(records, record => record.Phase == "roll-back").Scalars["health/learning_rate_scale"]);
        var points = records.SelectMany(record => record.Scalars.Keys.Select(tag => (tag, record.Step))).ToList();
        Assert.Equal(points.Count, points.Distinct().Count());
        var events = EventReader.ReadFolder(run.Run).SelectMany(record => record.Values.Select(value => (value.Tag, record.Step))).ToList();
        Assert.Equal(events.Count, events.Distinct().Count());
        Assert.Contains("health/text_summary", events.Select(value => value.Tag));
        TrainingState end = RunFolder.Open(run.Run).Latest().State();
        Assert.Equal((Phase.Finished, 1, 0.5), (end.Phase, end.RollBacks, end.LearningRateScale));

        // The same, interrupted soon after the roll-back.
        string other = Path.Combine(run.Folder, "interrupted");
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Poisoned(other, config, reports =>
        {
            if (reports == 17)
            {
                source.Cancel();
            }

            return reports == 14;
        }, source.Token));
        Assert.Equal(1, RunFolder.Open(other).Latest().State().RollBacks);
        TrainingJob.Resume(other, new SilentTrainingObserver(), CancellationToken.None);
        AdversarialTrainerTests.AssertSameRun(run.Run, other);
    }

    [Theory]
    [InlineData("reinforce", 1)]
    [InlineData("reinforce", 2)]
    [InlineData("gumbel", 2)]
    [InlineData("mle", 2)]
    public void A_weight_that_is_no_number_is_a_divergence_whatever_the_objective_and_the_threads(string objective, int threads)
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config($"objective={objective}", $"threads={threads}", "adversarial.batch_size=256", "health.on_divergence=roll_back");
        ReportingObserver observer = Poisoned(run.Run, config, reports => reports == 14, CancellationToken.None);
        Assert.Contains(observer.Messages, message => message.StartsWith("Training diverged in step", StringComparison.Ordinal));
        TrainingState end = RunFolder.Open(run.Run).Latest().State();
        Assert.Equal((Phase.Finished, 1), (end.Phase, end.RollBacks));
    }

    [Fact]
    public void A_divergence_in_the_generators_own_update_rolls_back_and_both_networks_go_on_learning()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=gumbel", "health.on_divergence=roll_back");
        GameLoss game = config.Adversarial.Loss;
        int updates = 0;
        // The discriminator's own loss is a number all the time.
        GameLoss broken = game with { Generator = (real, fake) => game.Generator(real, fake) * (++updates == 7 ? double.NaN : 1) };
        using TrainingJob job = TrainingJob.Prepare(config with { Adversarial = config.Adversarial with { Loss = broken } });
        var observer = new ReportingObserver(_ => { });
        job.Start(run.Run, "test", observer, CancellationToken.None);
        Assert.Contains(observer.Messages, message => message.Contains("gradient of the generator is no finite number", StringComparison.Ordinal));
        TrainingState end = RunFolder.Open(run.Run).Latest().State();
        Assert.Equal((Phase.Finished, 1), (end.Phase, end.RollBacks));
        Assert.All(job.Discriminator.parameters().Concat(job.Generator.Module.parameters()), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void A_run_that_goes_on_diverging_stops_after_so_many_roll_backs()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=gumbel", "health.on_divergence=roll_back", "health.maximum_roll_backs=2");
        Assert.Throws<TrainingDivergedException>(() => Poisoned(run.Run, config, reports => reports >= 14, CancellationToken.None));
        TrainingState state = RunFolder.Open(run.Run).Latest().State();
        Assert.Equal((2, 0.25), (state.RollBacks, state.LearningRateScale));
        Assert.Equal([0.5, 0.25], MetricsJournal.Read(Path.Combine(run.Run, "metrics.jsonl"))
            .Where(record => record.Phase == "roll-back").Select(record => record.Scalars["health/learning_rate_scale"]));
    }

    /// <summary>Trains a run that diverges on the way.</summary>
    internal static void Diverge(string folder, RunConfig config) =>
        Assert.Throws<TrainingDivergedException>(() => Poisoned(folder, config, reports => reports == 4, CancellationToken.None));

    /// <summary>Trains, and makes a weight NaN after the reports that <paramref name="poison"/> picks.</summary>
    private static ReportingObserver Poisoned(string folder, RunConfig config, Func<int, bool> poison, CancellationToken cancellation)
    {
        using TrainingJob job = TrainingJob.Prepare(config);
        var observer = new ReportingObserver(reports =>
        {
            if (poison(reports))
            {
                using IDisposable off = torch.no_grad();
                job.Generator.Module.parameters().First().fill_(float.NaN);
            }
        });
        job.Start(folder, "test", observer, cancellation);
        return observer;
    }
}
