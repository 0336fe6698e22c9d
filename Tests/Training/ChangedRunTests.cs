using GumbelGan.Cli;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using GumbelGan.Training;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>A run goes on as what it was begun as, or not at all: otherwise test lines could enter training.</summary>
public sealed class ChangedRunTests
{
    [Theory]
    [InlineData("corpus", "", "")]
    [InlineData("seed", "seed: 1", "seed: 2")]
    [InlineData("objective", "objective: gumbel", "objective: mle")]
    [InlineData("data", "test_fraction: 0.2", "test_fraction: 0.3")]
    [InlineData("data", "split_seed: 0", "split_seed: 1")]
    [InlineData("generator", "feedback: relaxed", "feedback: hard")]
    [InlineData("discriminator", "dropout: 0.25", "dropout: 0.5")]
    [InlineData("discriminator", "spectral_norm: false", "spectral_norm: true")]
    public void What_has_changed_is_named_and_nothing_is_lost(string what, string before, string after)
    {
        using TemporaryRun run = Interrupted();
        string config = Path.Combine(run.Run, "config.yaml"), latest = Path.Combine(run.Run, "checkpoints", "latest"),
            pointed = File.ReadAllText(latest);
        if (what == "corpus")
        {
            // The same words in another order: the vocabulary stays.
            File.WriteAllLines(run.Corpus, File.ReadAllLines(run.Corpus).Reverse());
        }
        else
        {
            string text = File.ReadAllText(config);
            Assert.Contains(before, text, StringComparison.Ordinal);
            File.WriteAllText(config, text.Replace(before, after, StringComparison.Ordinal));
        }

        UserMistakeException refusal =
            Assert.Throws<UserMistakeException>(() => TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None));
        Assert.Contains($"was begun with another {what} (", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(pointed, File.ReadAllText(latest));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"step\": 3}")]
    [InlineData("[1, 2]")]
    public void A_state_that_is_empty_or_of_something_else_is_refused(string state)
    {
        using TemporaryRun run = Interrupted();
        File.WriteAllText(Path.Combine(RunFolder.Open(run.Run).Latest().Path, "state.json"), state);
        Assert.Contains("use another checkpoint", Assert.Throws<UserMistakeException>(
            () => TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_records_and_other_lengths_are_no_change_of_the_run()
    {
        using TemporaryRun run = Interrupted();
        string config = Path.Combine(run.Run, "config.yaml");
        File.WriteAllText(config, File.ReadAllText(config).Replace("steps: 12", "steps: 14", StringComparison.Ordinal));
        TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None);
        Assert.Equal(Phase.Finished, RunFolder.Open(run.Run).Latest().State().Phase);
    }

    [Fact]
    public void A_run_of_a_version_that_lacked_an_option_goes_on_with_its_default_and_with_nothing_else()
    {
        using TemporaryRun run = Interrupted();
        string config = Path.Combine(run.Run, "config.yaml"), environment = Path.Combine(run.Run, "environment.json");
        string described = File.ReadAllText(environment), configured = File.ReadAllText(config);
        Assert.Contains(", spectral_norm: false", described, StringComparison.Ordinal);
        File.WriteAllText(environment, described.Replace(", spectral_norm: false", "", StringComparison.Ordinal));
        File.WriteAllText(config, configured.Replace("spectral_norm: false", "spectral_norm: true", StringComparison.Ordinal));
        Assert.Throws<UserMistakeException>(() => TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None));
        File.WriteAllText(config, configured.Replace("  spectral_norm: false\n", "", StringComparison.Ordinal));
        TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None);
        Assert.Equal(Phase.Finished, RunFolder.Open(run.Run).Latest().State().Phase);
    }

    [Theory]
    [InlineData("vocab.json")]
    [InlineData("merges.txt")]
    [InlineData("options.json")]
    public void A_tokenizer_that_was_changed_is_refused_by_all_that_read_it(string file)
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle", "adversarial.steps=0", "tokenizer.kind=bpe", "tokenizer.merges=20", "data.maximum_tokens=60"));
        // One line more or less: whether the file still reads does not matter.
        string path = Path.Combine(run.Run, "tokenizer", file);
        string[] lines = File.ReadAllLines(path);
        File.WriteAllLines(path, lines.Length > 3 ? lines.Where((_, line) => line != 2) : [.. lines, ""]);
        foreach (string[] words in new string[][]
        {
            ["score", run.Run, run.Corpus], ["sample", run.Run, "--count", "2"], ["evaluate", run.Run, "--count", "10"],
            ["train", "--resume", run.Run, "--extend", "adversarial.steps=2"], ["train", "--from", run.Run, "--corpus", run.Corpus, "--dry-run"],
        })
        {
            ProgramRun refused = ProgramRun.Of(words);
            Assert.Equal(ExitCode.UserMistake, refused.ExitCode);
            Assert.Equal(1, refused.Error.Count(character => character == '\n'));
        }
    }

    private static TemporaryRun Interrupted()
    {
        var run = new TemporaryRun();
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(
            () => TemporaryRun.TrainInto(run.Run, run.Config("objective=gumbel"), new SilentTrainingObserver(), cancelled.Token));
        return run;
    }
}
