using GumbelGan.Tests.Cli;
using GumbelGan.Tests.Training.Sweeps;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>Keys that do nothing under an objective: that they do nothing, and that who sets one is told.</summary>
public sealed class IdleKeyTests
{
    // Of every key that some objectives read and others do not, a value that is not the default.
    private static readonly string[] _changes =
    [
        "adversarial.relaxation=reinmax", "temperature.initial=3", "temperature.final=2", "generator.feedback=hard", "generator.ending=gradient",
        "mixture.initial=0.3", "control_variate.temperature=2", "control_variate.hidden=3", "reinforce.reward=score", "reinforce.entropy_bonus=0.5",
        "adversarial.loss=hinge", "adversarial.label_smoothing=0.1", "adversarial.gradient_penalty=3", "adversarial.likelihood_weight=0.5",
        "adversarial.generator_steps=2", "adversarial.discriminator_steps=2", "adversarial.discriminator_warm_up_steps=1",
        "adversarial.discriminator_batch_size=4", "adversarial.discriminator_learning_rate=0.01", "adversarial.discriminator_schedule=cosine",
        "adversarial.discriminator_beta1=0.3", "adversarial.discriminator_weight_decay=0.2", "adversarial.discriminator_restart_every=2",
        "discriminator.dropout=0.5",
    ];

    public static TheoryData<string> Objectives => [.. ObjectiveKind.All.Select(kind => kind.Name)];

    [Fact]
    public void Of_every_key_that_not_all_objectives_read_a_change_is_tried_here() =>
        Assert.All(ObjectiveKind.All.SelectMany(kind => kind.Reads!).Distinct(),
            beginning => Assert.Contains(_changes, change => change.StartsWith(beginning, StringComparison.Ordinal)));

    [Theory]
    [MemberData(nameof(Objectives))]
    public void What_an_objective_does_not_read_changes_no_weight_of_its_generator(string objective)
    {
        ObjectiveKind kind = ObjectiveKind.All.Single(kind => kind.Name == objective);
        string[] start = [$"objective={objective}", "adversarial.relaxation=straight_through", "adversarial.steps=4", "pretraining.epochs=1"];
        string[] idle = [.. _changes.Where(change => !kind.IsRead(change.Split('=')[0]))];
        Assert.NotEmpty(idle);
        using var run = new TemporaryRun();
        string changed = Path.Combine(run.Folder, "changed");
        run.Train(run.Config(start));
        TemporaryRun.TrainInto(changed, run.Config([.. start, .. idle]), new SilentTrainingObserver(), CancellationToken.None);
        Assert.Equal(Generator(run.Run), Generator(changed));
    }

    [Fact]
    public void Who_sets_keys_that_do_nothing_is_told_which_and_the_run_goes_on()
    {
        using var run = new TemporaryRun();
        ProgramRun told = ProgramRun.Of("train", "--corpus", run.Corpus, "--objective", "rebar", "--dry-run", "--set", "temperature.final=0.1",
            "--set", "reinforce.reward=score", "--set", "adversarial.relaxation=reinmax");
        Assert.Equal(0, told.ExitCode);
        Assert.Equal("With objective rebar temperature.final, adversarial.relaxation have no effect.\n", told.Error);
        Assert.Equal("", ProgramRun.Of("train", "--corpus", run.Corpus, "--objective", "mixture", "--dry-run", "--set", "temperature.final=0.1",
            "--set", "reinforce.reward=score", "--set", "adversarial.relaxation=reinmax").Error);
    }

    [Fact]
    public void A_sweep_is_told_of_what_a_setting_or_all_of_it_does_not_read()
    {
        using var sweep = new TemporarySweep("grid:\n  objective: [gumbel, rloo]\n  temperature.final: [0.1, 0.2]");
        Assert.Equal(["With objective rloo temperature.final has no effect."], sweep.Plan.Remarks());
        using var list = new TemporarySweep("list:\n  mle: {objective: mle}\n  rloo: {objective: rloo, reinforce.reward: score}");
        Assert.Empty(list.Plan.Remarks());
    }

    private static byte[] Generator(string run) => File.ReadAllBytes(RunFolder.Open(run).Latest().GeneratorFile(default));
}
