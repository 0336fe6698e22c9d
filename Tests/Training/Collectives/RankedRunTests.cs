using GumbelGan.Storage;
using GumbelGan.Training;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using TorchSharp;
using Xunit;

namespace GumbelGan.Tests.Training.Collectives;

/// <summary>N ranks with batch B / N are one process with batch B.</summary>
public sealed class RankedRunTests
{
    // Sums in another order; fifty steps of Adam leave nothing larger.
    private const double RelativeTolerance = 1e-5;

    // What a number of the control variate moves in a few of Adam's steps, which are of .003 there.
    private const double Reach = 0.01;

    private static readonly string[] _fiftySteps = ["pretraining.epochs=1", "pretraining.batch_size=16", "pretraining.dropout=0.2",
        "adversarial.batch_size=16", "adversarial.steps=40", "adversarial.discriminator_warm_up_steps=3", "discriminator.dropout=0.2",
        "recording.checkpoint_every=1000", "recording.evaluate_every=1000"];

    [Theory]
    [InlineData("objective=mle")]
    [InlineData("objective=gumbel")]
    [InlineData("objective=gumbel adversarial.likelihood_weight=0.1 adversarial.discriminator_batch_size=8 adversarial.discriminator_steps=2 "
        + "adversarial.loss=hinge")]
    [InlineData("objective=gumbel adversarial.relaxation=gumbel_rao")]
    [InlineData("objective=gumbel generator.layers=2 adversarial.average_decay=0.9")]
    [InlineData("objective=gumbel discriminator.kind=lstm adversarial.loss=wasserstein adversarial.gradient_penalty=10")]
    [InlineData("objective=gumbel discriminator.spectral_norm=true adversarial.loss=wasserstein adversarial.discriminator_steps=2")]
    [InlineData("objective=reinforce reinforce.baseline=leave_one_out")]
    [InlineData("objective=reinforce reinforce.baseline=moving_average reinforce.whiten=true reinforce.entropy_bonus=0.01")]
    [InlineData("objective=reinforce reinforce.credit=dense reinforce.reward=random")]
    [InlineData("objective=rebar reinforce.reward=score reinforce.entropy_bonus=0.01")]
    [InlineData("objective=relax adversarial.generator_steps=2")]
    [InlineData("objective=critic reinforce.reward=score")]
    [InlineData("objective=mixture adversarial.relaxation=straight_through adversarial.loss=hinge adversarial.discriminator_batch_size=8")]
    public void Two_and_four_ranks_end_with_the_weights_of_one_that_has_the_whole_batch(string method)
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config([.. _fiftySteps, .. method.Split(' ')]);
        run.Train(config);
        foreach (int ranks in (int[])[2, 4])
        {
            string shared = Path.Combine(run.Folder, $"shared-{ranks}");
            Assert.All(TrainTogether(ranks, shared, config), Assert.Null);
            AssertClose(run.Run, shared);
            Assert.Equal(Counts(run.Run), Counts(shared));
        }
    }

    [Fact]
    public void So_do_the_networks_of_RelGAN()
    {
        using var run = new TemporaryRun();
        string[] networks = ["generator.kind=relational", "generator.embedding=6", "generator.heads=2", "generator.head_size=4",
            "discriminator.kind=relgan", "discriminator.embedding=6", "discriminator.representations=3", "discriminator.filters=4",
            "discriminator.filter_widths=[2, 3]", "discriminator.hidden=5"];
        RunConfig config = run.Config(_fiftySteps) with
        {
            Generator = ConfigurationReader.Read<RunConfig>([], [.. networks.Select(ConfigurationAssignment.Parse)]).Generator,
            Discriminator = ConfigurationReader.Read<RunConfig>([], [.. networks.Select(ConfigurationAssignment.Parse)]).Discriminator,
        };
        run.Train(config);
        string shared = Path.Combine(run.Folder, "shared");
        Assert.All(TrainTogether(2, shared, config), Assert.Null);
        AssertClose(run.Run, shared);
    }

    [Fact]
    public void A_run_may_go_on_with_another_number_of_ranks()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config([.. _fiftySteps, "objective=reinforce", "reinforce.baseline=moving_average"]);
        run.Train(config);
        string shared = Path.Combine(run.Folder, "shared");
        using (var stop = new CancellationTokenSource())
        {
            Assert.All(TrainTogether(4, shared, config, new ReportingObserver(reports => StopAfter(14, reports, stop)), stop),
                failure => Assert.IsType<OperationCanceledException>(failure));
        }

        Assert.InRange(RunFolder.Open(shared).Latest().State().Step, 1, 50);
        Assert.All(ThreadRanks.Run(2, ranks => TrainingJob.Resume(shared, new SilentTrainingObserver(), CancellationToken.None, null, ranks)),
            Assert.Null);
        AssertClose(run.Run, shared);
    }

    [Fact]
    public void A_run_that_diverges_goes_back_on_every_rank()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=mle", "health.on_divergence=roll_back");
        // The loss of rank 0 is no number any more, so their mean is none, on both.
        ReportingObserver? observer = null;
        Assert.All(ThreadRanks.Run(2, ranks =>
        {
            using TrainingJob job = TrainingJob.Prepare(config, ranks: ranks);
            var own = new ReportingObserver(reports =>
            {
                if (reports == 10)
                {
                    using IDisposable off = torch.no_grad();
                    job.Generator.Module.parameters().First().fill_(float.NaN);
                }
            });
            observer = ranks.IsRoot() ? own : observer;
            job.Start(run.Run, "test", own, CancellationToken.None);
        }), Assert.Null);
        Assert.Single(observer!.Messages, message => message.Contains("diverged", StringComparison.Ordinal));
        TrainingState end = RunFolder.Open(run.Run).Latest().State();
        Assert.Equal((Phase.Finished, 1, 0.5), (end.Phase, end.RollBacks, end.LearningRateScale));
    }

    [Fact]
    public void A_batch_that_the_ranks_cannot_share_is_refused_on_each_in_one_sentence()
    {
        using var run = new TemporaryRun();
        Exception?[] failures = TrainTogether(3, run.Run, run.Config("pretraining.batch_size=12", "adversarial.batch_size=8"));
        Assert.All(failures,
            failure => Assert.Equal("adversarial.batch_size is 8, which 3 ranks cannot share equally; make it a multiple of 3, or start "
            + "another number of ranks.", Assert.IsType<UserMistakeException>(failure).Message));
        Assert.False(Directory.Exists(run.Run));
    }

    internal static void AssertClose(string expected, string actual)
    {
        Checkpoint one = RunFolder.Open(expected).Latest(), many = RunFolder.Open(actual).Latest();
        Assert.Equal(Path.GetFileName(one.Path), Path.GetFileName(many.Path));
        foreach (string name in ((string[])["generator", "discriminator", "control_variate"]).Select(learner => $"{learner}.safetensors")
            .Where(file => File.Exists(Path.Combine(one.Path, file))))
        {
            SafetensorsFile wanted = SafetensorsFile.Read(Path.Combine(one.Path, name)), got = SafetensorsFile.Read(Path.Combine(many.Path, name));
            // A bias of attention's keys changes no output: its gradient is what rounding leaves of zero, which Adam scales up to full steps.
            foreach (SafetensorsEntry entry in wanted.Entries.Where(entry => entry.Name != "projection_norm.bias"))
            {
                double difference = Length(entry.Values<float>().ToArray().Zip(got[entry.Name].Values<float>().ToArray(), (a, b) => (double)a - b));
                double length = Length(entry.Values<float>().ToArray().Select(value => (double)value));
                // Numbers that have come back to nearly zero are as exact as the steps that took them there.
                double scale = name.StartsWith("control_variate", StringComparison.Ordinal)
                    ? Math.Max(length, Reach * Math.Sqrt(entry.Values<float>().Length)) : length;
                Assert.True(difference <= RelativeTolerance * scale, $"{name}, {entry.Name}: off by {difference / scale}.");
            }
        }
    }

    // Of the whole job, not of one rank.
    private static (string, long, long, long, long, long) Counts(string folder)
    {
        TrainingState state = RunFolder.Open(folder).Latest().State();
        return (state.Phase, state.Step, state.GeneratorUpdates, state.DiscriminatorUpdates, state.RealSequences, state.GeneratedSequences);
    }

    private static double Length(IEnumerable<double> values) => Math.Sqrt(values.Sum(value => value * value));

    private static void StopAfter(int reports, int made, CancellationTokenSource stop)
    {
        if (made == reports)
        {
            stop.Cancel();
        }
    }

    private static Exception?[] TrainTogether(int size, string folder, RunConfig config, ITrainingObserver? observer = null,
        CancellationTokenSource? stop = null) => ThreadRanks.Run(size, ranks =>
        {
            using TrainingJob job = TrainingJob.Prepare(config, ranks: ranks);
            job.Start(folder, "test", observer ?? new SilentTrainingObserver(), stop?.Token ?? CancellationToken.None);
        });
}
