using System.Security.Cryptography;
using GumbelGan.Cli;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>Going on: what resuming would do, more steps of a finished run, and a run that begins with another's weights.</summary>
public sealed class ContinuationTests
{
    [Theory]
    [InlineData("gumbel", "discriminator.kind=lstm")]
    [InlineData("reinforce", "reinforce.credit=roll_outs")]
    [InlineData("rebar", "reinforce.reward=score")]
    [InlineData("relax", "control_variate.hidden=5")]
    [InlineData("mixture", "adversarial.relaxation=straight_through")]
    [InlineData("mle", "adversarial.steps=6")]
    public void A_finished_run_extended_ends_with_the_bits_of_one_that_was_as_long_from_the_beginning(string objective, string assignment)
    {
        using var run = new TemporaryRun();
        string whole = Path.Combine(run.Folder, "whole");
        run.Train(run.Config($"objective={objective}", assignment, "adversarial.steps=6"));
        Extend(run.Run, "adversarial.steps=5");
        RunConfig longer = run.Config($"objective={objective}", assignment, "adversarial.steps=11", "temperature.horizon=6", "mixture.horizon=6");
        TemporaryRun.TrainInto(whole, longer, new SilentTrainingObserver(), CancellationToken.None);
        AssertSameBits(whole, run.Run);
        Assert.Contains("steps: 11", File.ReadAllText(Path.Combine(run.Run, "config.yaml")), StringComparison.Ordinal);
        Assert.Equal($"adversarial.steps=5 at step {RunFolder.Open(whole).Latest().State().Step - 5}",
            Assert.Single(RunEnvironment.Read(RunFolder.Open(run.Run).Environment).Extensions));
    }

    [Fact]
    public void An_extension_tells_of_the_learning_rates_that_the_new_length_changes_and_is_silent_where_it_changes_none()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=gumbel", "adversarial.steps=6", "adversarial.generator_schedule=cosine"));
        var observer = new ReportingObserver(_ => { });
        TrainingJob.Resume(run.Run, observer, CancellationToken.None, [Extension("adversarial.steps=6")]);
        // Cosines at step 6 of 6 and of 12: (1 + cos(5 pi / 6)) / 2 and (1 + cos(5 pi / 12)) / 2 of 1e-4.
        Assert.Equal("Learning rates are from here on those of 12 steps: the generator's is 6.29E-05 where it had come to 6.7E-06.",
            Assert.Single(observer.Messages, message => message.StartsWith("Learning", StringComparison.Ordinal)));

        string constant = Path.Combine(run.Folder, "constant");
        TemporaryRun.TrainInto(constant, run.Config("objective=gumbel", "adversarial.steps=6"), new SilentTrainingObserver(), CancellationToken.None);
        Assert.EndsWith("nothing has been changed.", TrainingJob.Plan(constant, [Extension("adversarial.steps=6")]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_from_one_that_measures_its_average_begins_with_that()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=gumbel", "adversarial.average_decay=0.9", "recording.weights=average",
            "adversarial.generator_learning_rate=0.05"));
        string second = Path.Combine(run.Folder, "second");
        TemporaryRun.TrainInto(second, run.Config("objective=mle", $"from={run.Run}:latest", "recording.keep_checkpoints=100"),
            new SilentTrainingObserver(), CancellationToken.None);
        Checkpoint origin = RunFolder.Open(run.Run).Latest();
        float[] begun = Weights(second, new GeneratorChoice { Checkpoint = "000000" });
        Assert.Equal(Weights(run.Run, new GeneratorChoice()), begun);
        Assert.NotEqual(Weights(run.Run, new GeneratorChoice { Weights = GeneratorWeights.Last }), begun);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(origin.Path, "objective.safetensors")))),
            RunEnvironment.Read(RunFolder.Open(second).Environment).InitialWeightsSha256);

        static float[] Weights(string folder, GeneratorChoice choice)
        {
            using ChosenGenerator chosen = choice.Load(RunFolder.Open(folder));
            return [.. chosen.Generator.Module.parameters().SelectMany(parameter => parameter.data<float>().ToArray())];
        }
    }

    [Fact]
    public void A_run_that_only_learned_likelihood_is_extended_by_the_whole_game()
    {
        using var run = new TemporaryRun();
        string whole = Path.Combine(run.Folder, "whole");
        run.Train(run.Config("objective=gumbel", "adversarial.steps=0"));
        Extend(run.Run, "adversarial.steps=5");
        TemporaryRun.TrainInto(whole, run.Config("objective=gumbel", "adversarial.steps=5"), new SilentTrainingObserver(), CancellationToken.None);
        AssertSameBits(whole, run.Run);
    }

    [Fact]
    public void More_epochs_go_on_from_the_weights_that_pre_training_ended_with()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=mle", "adversarial.steps=0", "pretraining.schedule=constant", "pretraining.epochs=3");
        string whole = Path.Combine(run.Folder, "whole");
        run.Train(config with { Pretraining = config.Pretraining with { Epochs = 2 } });
        Extend(run.Run, "pretraining.epochs=1");
        TemporaryRun.TrainInto(whole, config, new SilentTrainingObserver(), CancellationToken.None);
        AssertSameBits(whole, run.Run);
    }

    [Fact]
    public void An_extension_that_is_interrupted_resumes_to_the_same_bits()
    {
        using var run = new TemporaryRun();
        string whole = Path.Combine(run.Folder, "whole");
        run.Train(run.Config("objective=gumbel", "adversarial.steps=6"));
        using (var cancelled = new CancellationTokenSource())
        {
            cancelled.Cancel();
            Assert.Throws<OperationCanceledException>(
                () => TrainingJob.Resume(run.Run, new SilentTrainingObserver(), cancelled.Token, [Extension("adversarial.steps=5")]));
        }

        TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None);
        TemporaryRun.TrainInto(whole, run.Config("objective=gumbel", "adversarial.steps=11", "temperature.horizon=6"),
            new SilentTrainingObserver(), CancellationToken.None);
        AssertSameBits(whole, run.Run);
    }

    [Theory]
    [InlineData("seed=3", "only pretraining.epochs and adversarial.steps can be extended.")]
    [InlineData("adversarial.steps=0", "a whole number above 0.")]
    [InlineData("adversarial.steps=-4", "a whole number above 0.")]
    [InlineData("adversarial.steps=100000000", "'adversarial.steps' must be")]
    [InlineData("pretraining.epochs=2", "has left phase 'pretraining' behind")]
    public void What_cannot_be_extended_is_refused_and_nothing_is_changed(string extension, string says)
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=gumbel", "adversarial.steps=2"));
        string before = Fingerprint(run.Run);
        ProgramRun refused = ProgramRun.Of("train", "--resume", run.Run, "--extend", extension);
        Assert.Equal(ExitCode.UserMistake, refused.ExitCode);
        Assert.Contains(says, refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, Fingerprint(run.Run));
    }

    [Fact]
    public void A_dry_run_of_resuming_says_from_where_to_where_and_changes_nothing()
    {
        using var run = new TemporaryRun();
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(
            () => TemporaryRun.TrainInto(run.Run, run.Config("objective=gumbel"), new SilentTrainingObserver(), cancelled.Token));
        string before = Fingerprint(run.Run);
        ProgramRun planned = ProgramRun.Of("train", "--resume", run.Run, "--dry-run");
        Assert.Equal(ExitCode.Done, planned.ExitCode);
        long batches = 2 * ((TrainingLines(run) + 15) / 16);
        Assert.Contains($"from step 1 (phase 'pretraining', 1 of {batches}) to step {batches + 3 + 12} at most", planned.Output,
            StringComparison.Ordinal);
        Assert.Equal(before, Fingerprint(run.Run));

        TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None);
        before = Fingerprint(run.Run);
        Assert.Contains("has finished", ProgramRun.Of("train", "--resume", run.Run, "--dry-run").Error, StringComparison.Ordinal);
        Assert.Contains($", lengthened by adversarial.steps=7, from step {batches + 15} (phase 'adversarial', 12 of 19) to step "
            + $"{batches + 22} at most", ProgramRun.Of("train", "--resume", run.Run, "--dry-run", "--extend", "adversarial.steps=7").Output,
            StringComparison.Ordinal);
        Assert.Equal(before, Fingerprint(run.Run));

        File.AppendAllText(run.Corpus, "a dog waits\n");
        Assert.Contains("another corpus", ProgramRun.Of(
            "train", "--resume", run.Run, "--dry-run", "--extend", "adversarial.steps=7").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"phase\": \"pretraining\", \"step\": 3, \"generator_steps\": 3}", "'generator_steps' is unknown here")]
    [InlineData("{\"step\": 3}", "'phase' is missing")]
    public void A_state_of_another_version_is_named_as_such(string state, string says)
    {
        string message =
            Assert.Throws<UserMistakeException>(() => TrainingState.FromJson(System.Text.Encoding.UTF8.GetBytes(state), "state.json")).Message;
        Assert.Equal($"state.json was written by another version of this program ({says}); go on with that version, or use another checkpoint.",
            message);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":best")]
    [InlineData(":latest")]
    [InlineData(":000000")]
    public void A_run_from_another_begins_with_exactly_its_weights_and_its_tokenizer(string checkpoint)
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle", "recording.keep_checkpoints=100"));
        RunFolder first = RunFolder.Open(run.Run);
        string second = Path.Combine(run.Folder, "second");
        // A corpus of fewer words would make another vocabulary.
        string few = Path.Combine(run.Folder, "few.txt");
        File.WriteAllLines(few, File.ReadAllLines(run.Corpus).Where(line => !line.Contains("duck", StringComparison.Ordinal)));
        TemporaryRun.TrainInto(second,
            run.Config("objective=gumbel", $"from={run.Run}{checkpoint}", $"corpus={few}", "recording.keep_checkpoints=100"),
            new SilentTrainingObserver(), CancellationToken.None);

        RunFolder begun = RunFolder.Open(second);
        byte[] weights = File.ReadAllBytes(first.Named(checkpoint.Length == 0 ? "best" : checkpoint[1..]).GeneratorFile(GeneratorWeights.Last));
        Assert.Equal(weights, File.ReadAllBytes(begun.Named("000000").GeneratorFile(GeneratorWeights.Last)));
        Assert.Equal(File.ReadAllBytes(Path.Combine(first.Tokenizer, "vocab.json")), File.ReadAllBytes(Path.Combine(begun.Tokenizer, "vocab.json")));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(weights)), RunEnvironment.Read(begun.Environment).InitialWeightsSha256);

        // The configuration alone begins the same run again.
        string again = Path.Combine(run.Folder, "again");
        TemporaryRun.TrainInto(again, ConfigurationReader.Read<RunConfig>(begun.Configuration), new SilentTrainingObserver(), CancellationToken.None);
        AssertSameBits(second, again);
    }

    [Fact]
    public void A_run_from_another_resumes_without_it()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle", "adversarial.steps=0"));
        string second = Path.Combine(run.Folder, "second"), whole = Path.Combine(run.Folder, "whole");
        RunConfig config = run.Config("objective=gumbel", $"from={run.Run}");
        TemporaryRun.TrainInto(whole, config, new SilentTrainingObserver(), CancellationToken.None);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => TemporaryRun.TrainInto(second, config, new SilentTrainingObserver(), cancelled.Token));
        Directory.Delete(run.Run, recursive: true);
        TrainingJob.Resume(second, new SilentTrainingObserver(), CancellationToken.None);
        AssertSameBits(whole, second);
    }

    [Theory]
    [InlineData("generator.hidden=9", "set the section 'generator' as in")]
    [InlineData("tokenizer.kind=char", "section 'tokenizer' asks for another")]
    [InlineData("corpus=foreign", "does not fit")]
    [InlineData("from=:000777", "has no checkpoint 000777")]
    [InlineData("from=nowhere", "is no run folder")]
    public void What_does_not_fit_the_run_to_begin_with_is_refused_in_a_sentence(string assignment, string says)
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle", "adversarial.steps=0"));
        string foreign = Path.Combine(run.Folder, "foreign.txt");
        File.WriteAllLines(foreign, Enumerable.Range(0, 100).Select(i => $"una frase {i} de otra lengua"));
        assignment = assignment.Replace("corpus=foreign", $"corpus={foreign}", StringComparison.Ordinal)
            .Replace("from=:", $"from={run.Run}:", StringComparison.Ordinal)
                .Replace("nowhere", Path.Combine(run.Folder, "nowhere"), StringComparison.Ordinal);
        string message = Assert.Throws<UserMistakeException>(
            () => TrainingJob.Prepare(run.Config("objective=gumbel", $"from={run.Run}", assignment)).Dispose()).Message;
        Assert.Contains(says, message, StringComparison.Ordinal);
    }

    // A tokenizer's own record of its options may differ from the configuration's in what its kind does not read.
    [Theory]
    [InlineData("word")]
    [InlineData("char")]
    [InlineData("bpe")]
    [InlineData("gpt2")]
    [InlineData("number")]
    public void A_run_may_begin_with_another_of_the_same_tokenizer_section(string kind)
    {
        using var run = new TemporaryRun();
        string corpus = Path.Combine(run.Folder, "corpus.txt");
        File.WriteAllLines(corpus, Enumerable.Range(0, 60).Select(i => $"{i % 7} {i % 5} {i % 3}"));
        string[] section = [$"corpus={corpus}", $"tokenizer.kind={kind}", "tokenizer.numbers=7", "tokenizer.minimum_count=2", "tokenizer.merges=5"];
        run.Train(run.Config(["objective=mle", "adversarial.steps=0", .. section]));
        using var job = TrainingJob.Prepare(run.Config(["objective=gumbel", $"from={run.Run}", .. section]));
        Assert.Equal(kind, job.Config.Tokenizer.Kind.ToString(), ignoreCase: true);
    }

    private static long TrainingLines(TemporaryRun run)
    {
        using var job = TrainingJob.Prepare(run.Config());
        return job.Corpus.Train.Count;
    }

    private static ConfigurationAssignment Extension(string text) => ConfigurationAssignment.Parse(text, "--extend");

    private static void Extend(string folder, string extension) =>
        TrainingJob.Resume(folder, new SilentTrainingObserver(), CancellationToken.None, [Extension(extension)]);

    private static void AssertSameBits(string expected, string actual)
    {
        Checkpoint first = RunFolder.Open(expected).Latest(), second = RunFolder.Open(actual).Latest();
        Assert.Equal(Phase.Finished, second.State().Phase);
        Assert.Equal(first.State().Step, second.State().Step);
        string[] files = [.. Directory.GetFiles(first.Path, "*.safetensors").Select(path => Path.GetFileName(path))];
        Assert.InRange(files.Length, 4, 6);
        Assert.All(files,
            file => Assert.Equal(File.ReadAllBytes(Path.Combine(first.Path, file)), File.ReadAllBytes(Path.Combine(second.Path, file))));
    }

    private static string Fingerprint(string folder) => string.Join('\n', Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal).Where(path => Path.GetFileName(path) != RunLock.FileName)
        .Select(path => $"{path} {File.GetLastWriteTimeUtc(path):O} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}"));
}
