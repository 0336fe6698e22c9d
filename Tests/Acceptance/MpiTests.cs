using System.Diagnostics;
using GumbelGan.Cli;
using GumbelGan.Tests.Cli;
using GumbelGan.Tests.Training;
using GumbelGan.Tests.Training.Collectives;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using Xunit;

namespace GumbelGan.Tests.Acceptance;

/// <summary>Runs that a real MPI launcher shares among processes, once with each family of libraries.</summary>
public sealed class MpiTests
{
    private const string OpenMpi = "mpirun.openmpi", Mpich = "mpirun.mpich";

    [Theory]
    [InlineData(OpenMpi, 2, false, "objective=gumbel")]
    [InlineData(OpenMpi, 4, false, "objective=reinforce reinforce.baseline=leave_one_out")]
    [InlineData(OpenMpi, 4, true, "objective=mle")]
    [InlineData(Mpich, 2, false, "objective=reinforce reinforce.baseline=leave_one_out")]
    [InlineData(Mpich, 4, false, "objective=mle")]
    [InlineData(Mpich, 2, true, "objective=gumbel")]
    public void Ranks_end_with_the_weights_of_one_process_and_with_the_same_bits_every_time(string launcher, int ranks, bool isNetworked,
        string method)
    {
        RequireLauncher(launcher);
        using LoopbackNetwork? network = isNetworked ? LoopbackNetwork.Start() : null;
        using var run = new TemporaryRun();
        RunConfig config = run.Config(["adversarial.batch_size=16", "adversarial.steps=35", "recording.checkpoint_every=1000",
            "recording.evaluate_every=1000", "pretraining.epochs=1", .. method.Split(' ')]);
        run.Train(config);
        string[] shared = [.. Enumerable.Range(0, 2).Select(number => Path.Combine(run.Folder, $"shared-{number}"))];
        foreach (string folder in shared)
        {
            long before = network?.Received() ?? 0;
            ProgramRun ended = MpiLauncher.Run(launcher, ranks, network, "train", "--config", Written(run, config), "--run", folder, "--quiet");
            Assert.True(ended.ExitCode == ExitCode.Done, ended.Error);
            // Rank 0 has spoken, and it alone.
            Assert.Single(ended.Error.Split('\n'), line => line.StartsWith("Test NLL", StringComparison.Ordinal));
            Assert.Single(ended.Output.Split('\n'), line => line.Contains("Held-out NLL", StringComparison.Ordinal));
            if (network is not null)
            {
                // Half of the generator's gradient at least, every step.
                long weights = new FileInfo(Path.Combine(RunFolder.Open(folder).Latest().Path, "generator.safetensors")).Length;
                Assert.True(network.Received() - before > weights / 2 * 35, "The ranks have not spoken over the network.");
            }
        }

        RankedRunTests.AssertClose(run.Run, shared[0]);
        AdversarialTrainerTests.AssertSameRun(shared[0], shared[^1]);
    }

    /// <summary>Two ranks share a processor and the third has one to itself: they would not wait alike if each decided by its own share.</summary>
    [Theory]
    [InlineData(OpenMpi)]
    [InlineData(Mpich)]
    public void Ranks_that_have_unequal_shares_of_the_processors_meet(string launcher)
    {
        RequireLauncher(launcher);
        Assert.SkipWhen(Environment.ProcessorCount < 2, "There is one processor only.");
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=mle", "pretraining.batch_size=9", "adversarial.batch_size=9", "pretraining.epochs=1");
        ProgramRun ended = MpiLauncher.RunInPairs(launcher, 3, "train", "--config", Written(run, config), "--run", run.Run, "--quiet");
        Assert.True(ended.ExitCode == ExitCode.Done, ended.Error);
    }

    [Theory]
    [InlineData(OpenMpi, false)]
    [InlineData(Mpich, false)]
    [InlineData(OpenMpi, true)]
    [InlineData(Mpich, true)]
    public void A_killed_rank_ends_the_others_soon_and_the_run_goes_on_as_if_nothing_had_been(string launcher, bool isNetworked)
    {
        RequireLauncher(launcher);
        using LoopbackNetwork? network = isNetworked ? LoopbackNetwork.Start() : null;
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=gumbel", "adversarial.steps=150", "recording.every=100", "recording.evaluate_every=1000",
            "recording.checkpoint_every=30", "pretraining.epochs=1");
        var job = MpiLauncher.Start(launcher, 2, network, "train", "--config", Written(run, config), "--run", run.Run, "--quiet");
        Assert.True(job.WaitUntil(() => Directory.Exists(Path.Combine(run.Run, "checkpoints", "000030"))), "The run ended before it was killed.");
        MpiLauncher.KillRank(1, run.Run);
        var clock = Stopwatch.StartNew();
        ProgramRun ended = job.End();
        // MPICH's launcher does not wait for ranks on other machines.
        Assert.True(SpinWait.SpinUntil(() => !RunLock.IsHeld(run.Run), TimeSpan.FromSeconds(30)), "Rank 0 has not ended.");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"The others ended after {clock.Elapsed}.");
        // The launcher's own exit code; MPICH's is another where the rank was on another machine.
        Assert.Equal(launcher == OpenMpi ? 137 : isNetworked ? 255 : 9, ended.ExitCode);
        if (launcher == OpenMpi)
        {
            // MPICH's launcher kills the others at once, and says so itself.
            Assert.Single(ended.Error.Split('\n'), line => line.StartsWith("Rank 0 waits for another rank", StringComparison.Ordinal));
        }

        Assert.InRange(RunFolder.Open(run.Run).Latest().State().Step, 30, 166);
        string other = Path.Combine(run.Folder, "other");
        foreach (string file in Directory.GetFiles(run.Run, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(other, Path.GetRelativePath(run.Run, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        ended = MpiLauncher.Run(launcher, 2, network, "train", "--resume", run.Run, "--quiet");
        Assert.True(ended.ExitCode == ExitCode.Done, ended.Error);
        string undisturbed = Path.Combine(run.Folder, "undisturbed");
        ended = MpiLauncher.Run(launcher, 2, network, "train", "--config", Written(run, config), "--run", undisturbed, "--quiet");
        Assert.True(ended.ExitCode == ExitCode.Done, ended.Error);
        AdversarialTrainerTests.AssertSameRun(undisturbed, run.Run);

        // As it does, to rounding, with another number of ranks.
        ended = MpiLauncher.Run(launcher, 1, null, "train", "--resume", other, "--quiet");
        Assert.True(ended.ExitCode == ExitCode.Done, ended.Error);
        RankedRunTests.AssertClose(undisturbed, other);
    }

    [Fact]
    public void Where_ranks_were_expected_and_no_library_can_be_loaded_rank_0_says_so()
    {
        (int exitCode, string output, string error) = ProgramProcess.InShell(
            $"OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 {Launcher.Variable}=/nowhere/libmpi.so \"$@\"", "train", "--corpus", "none.txt");
        Assert.Equal(
            (ExitCode.UserMistake, "", "Open MPI's mpirun has started 2 processes to train together, but no MPI library can be loaded; install "
            + "Open MPI or MPICH, or name the library with GUMBELGAN_MPI.\n"), (exitCode, output, error));
    }

    private static string Written(TemporaryRun run, RunConfig config)
    {
        string path = Path.Combine(run.Folder, "config.yaml");
        File.WriteAllText(path, ConfigurationWriter.Write(config));
        return path;
    }

    private static void RequireLauncher(string launcher) => Assert.SkipUnless(MpiLauncher.IsInstalled(launcher),
        $"{launcher} is not installed (Debian: apt-get install openmpi-bin mpich).");
}
