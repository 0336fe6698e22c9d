using GumbelGan.Tests.Cli;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>Signals to the real program, and two programs at one folder.</summary>
public sealed class SignalTests
{
    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData("HUP")]
    public void A_signal_finishes_the_step_writes_a_checkpoint_says_how_to_go_on_and_exits_with_130(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        Assert.SkipWhen(signal == "INT" && IsInterruptIgnored(),
            "Whoever started the tests ignores SIGINT (a shell does so for jobs in the background), and every program below inherits that.");
        using var run = new TemporaryRun();
        using ProgramProcess process = ProgramProcess.Start("train", "--config", LongRun(run), "--run", run.Run);
        Assert.True(process.WaitUntil(() => Latest(run) > 0), process.Error);

        // Meanwhile the folder is locked, for a second program as for the list of runs.
        Assert.Equal(RunStatus.Running, RunSummary.Read(run.Run).Status);
        ProgramRun second = ProgramRun.Of("train", "--resume", run.Run);
        Assert.Equal((2, $"Another process is training the run in {run.Run}; wait until it has ended, or stop it.\n"),
            (second.ExitCode, second.Error));

        process.Signal(signal);
        Assert.Equal(130, process.End());
        Assert.Contains($"Interrupted; a checkpoint is written. Continue with: gumbelgan train --resume {run.Run}", process.Error);
        Assert.DoesNotContain("   at ", process.Error);

        // The checkpoint is the last thing recorded: nothing of the finished step is lost.
        TrainingState state = RunFolder.Open(run.Run).Latest().State();
        Assert.Equal(new FileInfo(Path.Combine(run.Run, "metrics.jsonl")).Length, state.Recorded!.JournalBytes);
        Assert.Equal(RunStatus.Stopped, RunSummary.Read(run.Run).Status);
        using var observer = new CancellationTokenSource();
        observer.Cancel();
        Assert.Throws<OperationCanceledException>(() => TrainingJob.Resume(run.Run, new SilentTrainingObserver(), observer.Token));
        Assert.Equal(state.Step + 1, RunFolder.Open(run.Run).Latest().State().Step);
    }

    [Fact]
    public void A_terminal_that_closes_in_the_middle_of_training_costs_nothing_the_run_resumes_to_the_same_bytes()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        using var run = new TemporaryRun();
        string[] assignments = ["objective=gumbel", "adversarial.steps=2000", "recording.evaluate_every=1000", "recording.checkpoint_every=50"];
        string config = Path.Combine(run.Folder, "closed.yaml"), undisturbed = Path.Combine(run.Folder, "undisturbed");
        File.WriteAllText(config, ConfigurationWriter.Write(run.Config(assignments)));
        using (ProgramProcess process = ProgramProcess.Start("train", "--config", config, "--run", run.Run))
        {
            Assert.True(process.WaitUntil(() => Latest(run) > 60), process.Error);
            // From the terminal, and from the shell that it takes along.
            process.Signal("HUP");
            process.Signal("HUP");
            Assert.Equal(130, process.End());
        }

        Assert.NotEqual(Phase.Finished, RunFolder.Open(run.Run).Latest().State().Phase);
        TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None);
        TemporaryRun.TrainInto(undisturbed, run.Config(assignments), new SilentTrainingObserver(), CancellationToken.None);
        AdversarialTrainerTests.AssertSameRun(undisturbed, run.Run);
    }

    [Fact]
    public void A_second_signal_leaves_at_once()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        using var run = new TemporaryRun();
        // Sampling and comparing so many sentences before the first step takes minutes.
        using ProgramProcess process = ProgramProcess.Start("train", "--config", LongRun(run, "recording.bleu_samples=100000"), "--run", run.Run);
        Assert.True(process.WaitUntil(() => File.Exists(Path.Combine(run.Run, "metrics.jsonl"))), process.Error);
        process.Signal("TERM");
        Thread.Sleep(300);
        Assert.False(process.HasEnded, process.Error);
        process.Signal("TERM");
        Assert.Equal(130, process.End());
        Assert.Null(RunFolder.Open(run.Run).LatestName());
        Assert.DoesNotContain("a checkpoint is written", process.Error);
    }

    /// <summary>Whether this process was started with SIGINT, signal 2, ignored.</summary>
    private static bool IsInterruptIgnored()
    {
        const string Status = "/proc/self/status", Ignored = "SigIgn:";
        string? line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal)) : null;
        return line is not null && (Convert.ToUInt64(line[Ignored.Length..].Trim(), 16) & 0b10) != 0;
    }

    private static string LongRun(TemporaryRun run, params string[] assignments)
    {
        string config = Path.Combine(run.Folder, "long.yaml");
        File.WriteAllText(config, ConfigurationWriter.Write(
            run.Config(["objective=mle", "adversarial.steps=10000000", "recording.evaluate_every=1000000", .. assignments])));
        return config;
    }

    private static long Latest(TemporaryRun run) =>
        File.Exists(Path.Combine(run.Run, "config.yaml")) && RunFolder.Open(run.Run)
            .LatestName() is { } name ? long.Parse(name, System.Globalization.CultureInfo.InvariantCulture) : -1;
}
