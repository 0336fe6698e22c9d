using System.Diagnostics;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Recording;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>Checkpoints on a disk that fills up, fails, or loses its process between any two operations.</summary>
public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_disk_that_is_full_after_any_byte_leaves_a_checkpoint_that_loads()
    {
        string path = NewRun("run");
        var counting = new FailingMedium();
        Save(RunFolder.Open(Copy(path, "whole"), counting), 2, best: true);
        long bytes = Directory.EnumerateFiles(Path.Combine(_folder["whole"], "checkpoints"), "*", SearchOption.AllDirectories)
            .Where(file => !file.Contains("000001", StringComparison.Ordinal)).Sum(file => new FileInfo(file).Length);
        int saved = 0;
        for (long limit = 0; limit <= bytes; limit++)
        {
            string copy = Copy(path, "full");
            try
            {
                Save(RunFolder.Open(copy, new FailingMedium(bytes: limit)), 2, best: true);
                saved++;
            }
            catch (UserMistakeException mistake)
            {
                Assert.Contains("the disk is full", mistake.Message, StringComparison.Ordinal);
                AssertLoads(copy, 1);
            }
        }

        Assert.Equal(1, saved); // all bytes fit at the very end only, so every place was tried
    }

    [Fact]
    public void An_operation_that_fails_leaves_a_checkpoint_that_loads_and_the_next_save_succeeds()
    {
        string path = NewRun("run");
        var counting = new FailingMedium();
        Save(RunFolder.Open(Copy(path, "whole"), counting), 2, best: true);
        Assert.True(counting.Operations > 20);
        for (int operation = 0; operation < counting.Operations; operation++)
        {
            string copy = Copy(path, "failed");
            Assert.Throws<UserMistakeException>(() => Save(RunFolder.Open(copy, new FailingMedium(operation: operation)), 2, best: true));
            AssertGoesOn(copy);
        }
    }

    [Fact]
    public void A_process_killed_between_any_two_operations_leaves_a_checkpoint_that_loads_and_the_run_goes_on()
    {
        string path = NewRun("run");
        var medium = new PhotographingMedium(path, _folder["photographs"]);
        Save(RunFolder.Open(path, medium), 2, best: true);
        Assert.True(medium.Photographs.Count > 20);
        Assert.Contains(medium.Photographs, photograph => Directory.Exists(Path.Combine(photograph, "checkpoints", ".partial")));
        Assert.All(medium.Photographs, AssertGoesOn);
    }

    [Fact]
    public void A_process_killed_while_a_phase_begins_leaves_a_start_that_is_the_latest_phases_own()
    {
        string path = NewRun("run");
        Save(RunFolder.Open(path), 2, best: false, beginsPhase: true);
        var medium = new PhotographingMedium(path, _folder["photographs"]);
        Save(RunFolder.Open(path, medium), 3, best: false, beginsPhase: true);
        var seen = new HashSet<long>();
        foreach (RunFolder folder in medium.Photographs.Select(photograph => RunFolder.Open(photograph)))
        {
            TrainingState state = folder.Latest().State();
            folder.PrepareFor(state);
            Assert.Equal(state.Step, folder.ReadStart(checkpoint => checkpoint).State().Step);
            seen.Add(state.Step);
        }

        Assert.Equal([2L, 3L], seen.Order());
        for (int step = 4; step < 9; step++)
        {
            Save(RunFolder.Open(path), step, best: true);
        }

        Assert.Equal(3, RunFolder.Open(path).ReadStart(checkpoint => checkpoint).State().Step);
    }

    [Theory]
    [InlineData("latest", "../../elsewhere")]
    [InlineData("latest", "000001/../000001")]
    [InlineData("latest", "000001-1")]
    [InlineData("latest", "")]
    [InlineData("latest", "000001\n000001")]
    [InlineData("latest", "99999999999999999999999")]
    [InlineData("latest", "000009")]
    [InlineData("best", "/etc")]
    public void A_pointer_that_names_no_checkpoint_beside_it_is_refused(string pointer, string content)
    {
        string path = NewRun("run");
        File.WriteAllText(Path.Combine(path, "checkpoints", pointer), content);
        RunFolder run = RunFolder.Open(path);
        Assert.Throws<UserMistakeException>(() => pointer == "best" ? run.Best() : run.Latest());
    }

    [Fact]
    public void A_checkpoint_that_is_a_link_to_another_place_is_refused_and_what_it_points_to_survives_pruning()
    {
        string path = NewRun("run");
        string elsewhere = Directory.CreateDirectory(_folder["elsewhere"]).FullName;
        File.WriteAllText(Path.Combine(elsewhere, "precious.txt"), "text");
        Directory.CreateSymbolicLink(Path.Combine(path, "checkpoints", "000000"), elsewhere);
        File.WriteAllText(Path.Combine(path, "checkpoints", "latest"), "000000\n");
        Assert.Throws<UserMistakeException>(() => RunFolder.Open(path).Latest());
        for (int step = 2; step < 6; step++)
        {
            Save(RunFolder.Open(path), step, best: true);
        }

        Assert.False(Path.Exists(Path.Combine(path, "checkpoints", "000000")));
        Assert.True(File.Exists(Path.Combine(elsewhere, "precious.txt")));
    }

    [Fact]
    public void The_last_checkpoints_and_the_best_are_kept()
    {
        string path = NewRun("run");
        RunFolder run = RunFolder.Open(path);
        for (int step = 2; step <= 6; step++)
        {
            Save(run, step, best: step == 3);
        }

        Assert.Equal(["000003", "000005", "000006"],
            Directory.GetDirectories(Path.Combine(path, "checkpoints")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal));
        Assert.Equal(3, run.Best().State().Step);
    }

    [Fact]
    public void A_real_disk_that_is_full_stops_the_run_in_one_sentence_and_with_more_room_it_ends_as_if_nothing_had_been()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Mounting a small file system needs root on Linux.");
        string disk = Directory.CreateDirectory(_folder["disk"]).FullName;
        Assert.SkipUnless(Succeeds("mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk), "This machine does not let a test mount a tmpfs.");
        try
        {
            using var run = new TemporaryRun();
            RunConfig config = run.Config("objective=gumbel", "adversarial.steps=30");
            run.Train(config);
            string full = Path.Combine(disk, "run");
            UserMistakeException mistake =
                Assert.Throws<UserMistakeException>(() => TemporaryRun.TrainInto(full, config, new SilentTrainingObserver(), CancellationToken.None));
            Assert.Contains("the disk is full; free some space", mistake.Message, StringComparison.Ordinal);
            Assert.True(RunFolder.Open(full).Latest().State().Step >= 0);
            Assert.True(Succeeds("mount", "-o", "remount,size=50m", disk));
            TrainingJob.Resume(full, new SilentTrainingObserver(), CancellationToken.None);
            AdversarialTrainerTests.AssertSameRun(run.Run, full);
        }
        finally
        {
            Succeeds("umount", disk);
        }
    }

    [Fact]
    public void A_run_folder_that_vanishes_stops_the_run_in_one_sentence_and_is_not_made_again()
    {
        using var run = new TemporaryRun();
        string away = run.Run + "-away";
        var observer = new ReportingObserver(reports => { if (reports == 4) { Directory.Move(run.Run, away); } });
        UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => run.Train(run.Config("objective=gumbel"), observer));
        Assert.Contains("folder does not exist", mistake.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run.Run));
        Assert.True(RunFolder.Open(away).Latest().State().Step >= 0);
    }

    [Fact]
    public void A_run_that_was_killed_before_its_first_checkpoint_is_resumed_from_the_start()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=mle");
        run.Train(config);
        string killed = Path.Combine(run.Folder, "killed");
        Directory.CreateDirectory(killed);
        File.Copy(Path.Combine(run.Run, "config.yaml"), Path.Combine(killed, "config.yaml"));
        File.WriteAllText(Path.Combine(killed, "metrics.jsonl"), "{\"step\":0,\"phase\":\"pre");
        TrainingJob.Resume(killed, new SilentTrainingObserver(), CancellationToken.None);
        AdversarialTrainerTests.AssertSameRun(run.Run, killed);
    }

    [Fact]
    public void A_new_run_takes_a_folder_that_is_empty_and_no_other()
    {
        using var run = new TemporaryRun();
        string other = Directory.CreateDirectory(Path.Combine(run.Folder, "other")).FullName;
        File.WriteAllText(Path.Combine(other, "lock"), "");
        Assert.Equal(other, RunFolder.Create(other).Path);
        File.WriteAllText(Path.Combine(other, "thesis.txt"), "text");
        Assert.Contains("exists already", Assert.Throws<UserMistakeException>(() => RunFolder.Create(other)).Message, StringComparison.Ordinal);
    }

    private static void AssertGoesOn(string run)
    {
        RunFolder folder = RunFolder.Open(run);
        TrainingState state = folder.Latest().State();
        AssertLoads(run, state.Step);
        folder.PrepareFor(state);
        Assert.Equal(state.BestStep, folder.Best().State().Step);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(run, "*", SearchOption.AllDirectories),
            entry => entry.EndsWith(".partial", StringComparison.Ordinal));
        Save(folder, state.Step + 1, best: true);
        AssertLoads(run, state.Step + 1);
        Assert.Equal(state.Step + 1, folder.Best().State().Step);
    }

    private static void AssertLoads(string run, long step)
    {
        Checkpoint latest = RunFolder.Open(run).Latest();
        Assert.Equal(step, latest.State().Step);
        foreach (string file in (string[])["generator", "discriminator"])
        {
            Assert.Equal([step, step + 1], SafetensorsFile.Read(Path.Combine(latest.Path, $"{file}.safetensors"))[file].Values<long>().ToArray());
        }
    }

    private static void Save(RunFolder folder, long step, bool best, bool beginsPhase = false) => folder.SaveCheckpoint(
        new TrainingState
        {
            Phase = "adversarial",
            Step = step,
            PhaseStep = beginsPhase ? 0 : 1,
            BestStep = best ? step : 0,
            BestValidationNll = 1,
            Recorded = new RecorderPosition(0, "events.out.tfevents.0000000001.a.1.0", 0)
        },
        [.. ((string[])["generator", "discriminator"])
            .Select(name => ($"{name}.safetensors", (IEnumerable<SafetensorsEntry>)[SafetensorsEntry.Create<long>(name, [2], [step, step + 1])]))],
        best,
        keep: 2);

    private string NewRun(string name)
    {
        string path = Directory.CreateDirectory(_folder[name]).FullName;
        File.WriteAllText(Path.Combine(path, "config.yaml"), "seed: 1\n");
        Directory.CreateDirectory(Path.Combine(path, "checkpoints"));
        Save(RunFolder.Open(path), 1, best: true);
        return path;
    }

    private string Copy(string source, string name)
    {
        string target = _folder[name];
        if (Directory.Exists(target))
        {
            Directory.Delete(target, recursive: true);
        }

        CopyFolder(source, target);
        return target;
    }

    private static void CopyFolder(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (string file in Directory.GetFiles(source))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }

        foreach (string folder in Directory.GetDirectories(source))
        {
            CopyFolder(folder, Path.Combine(target, Path.GetFileName(folder)));
        }
    }

    private static bool Succeeds(string program, params string[] arguments)
    {
        using Process process =
            Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    /// <summary>The disk, with a copy of the run's folder kept from before each operation: what a process killed there leaves.</summary>
    private sealed class PhotographingMedium(string run, string photographs) : IFileMedium
    {
        public List<string> Photographs { get; } = [];

        public Stream Open(string path, FileMode mode)
        {
            Photograph();
            return DiskMedium.Instance.Open(path, mode);
        }

        public void Persist(Stream stream)
        {
            stream.Flush();
            Photograph();
        }

        public void Rename(string source, string target)
        {
            Photograph();
            DiskMedium.Instance.Rename(source, target);
        }

        public void PersistFolder(string folder) => Photograph();

        private void Photograph()
        {
            string target = Path.Combine(photographs, Photographs.Count.ToString(System.Globalization.CultureInfo.InvariantCulture));
            CopyFolder(run, target);
            Photographs.Add(target);
        }
    }
}
