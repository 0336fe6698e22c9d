using System.Diagnostics;
using GumbelGan.Cli;
using GumbelGan.Tests.Cli;
using GumbelGan.Training.Sweeps;
using Xunit;

namespace GumbelGan.Tests.Training.Sweeps;

/// <summary>The job script, run by a shell, and by a real Slurm where one can be started on this machine.</summary>
public sealed class SlurmTests
{
    [Fact]
    public void The_script_keeps_the_users_options_and_lines_and_names_the_runs_that_are_not_done()
    {
        using var sweep =
            new TemporarySweep("seeds: [1, 2, 3, 4]\nslurm: [--time=00:10:00, \"#SBATCH --mem=2G\"]", "adversarial.steps=2", "data.test_fraction=0");
        string[] words = ["sweep", sweep.File, "--output", sweep.Output];
        Assert.Equal(ExitCode.Done, ProgramRun.Of([.. words, "--index", "1"]).ExitCode);
        string template = Path.Combine(sweep.Folder, "job.sh");
        File.WriteAllText(template, "#!/bin/sh -u\n#SBATCH --partition=all\nexport GREETING=hello\n");
        ProgramRun printed = ProgramRun.Of([.. words, "--slurm", "--dry-run", "--jobs", "2", "--template", template]);
        Assert.True(printed.ExitCode == ExitCode.Done, printed.Error);
        Assert.Equal(printed.Output, File.ReadAllText(Path.Combine(sweep.Output, SlurmScript.FileName)));
        string[] lines = printed.Output.Split('\n');
        Assert.Equal("#!/bin/sh -u", lines[0]);
        Assert.Equal(
            ["--job-name=runs", "--array=0,2-3%2", $"--output={sweep.Output}/logs/slurm-%A_%a.txt", "--signal=B:TERM@60",
                "--time=00:10:00", "--mem=2G",
                "--partition=all"],
            lines.Where(line => line.StartsWith("#SBATCH", StringComparison.Ordinal)).Select(line => line["#SBATCH ".Length..]));

        // Slurm reads its options up to the first command.
        Assert.True(Array.FindLastIndex(lines, line => line.StartsWith("#SBATCH", StringComparison.Ordinal)) < Array.IndexOf(lines,
            "export GREETING=hello"));
        Assert.StartsWith("exec ", lines[^2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/dev/zero", "is larger than 1 MiB")]
    [InlineData("/bin/true", "is no text in UTF-8")]
    [InlineData("/nowhere/job.sh", "does not exist")]
    public void What_cannot_be_a_job_script_is_no_template(string template, string says)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "files and devices of Linux");
        using var sweep = new TemporarySweep("seeds: [1]", "adversarial.steps=2");
        ProgramRun run = ProgramRun.Of("sweep", sweep.File, "--output", sweep.Output, "--slurm", "--dry-run", "--template", template);
        Assert.Equal(ExitCode.UserMistake, run.ExitCode);
        Assert.Contains(says, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("slurm: [--array=0-3]", "leave '--array=0-3' out")]
    [InlineData("slurm: [-a 1]", "leave '-a 1' out")]
    [InlineData("slurm: [time]", "'slurm' holds options of sbatch, such as --time=01:00:00, not 'time'")]
    public void What_cannot_be_an_option_of_the_script_is_refused(string slurm, string says)
    {
        using var sweep = new TemporarySweep(slurm, "adversarial.steps=2");
        ProgramRun run = ProgramRun.Of("sweep", sweep.File, "--output", sweep.Output, "--slurm", "--dry-run");
        Assert.Equal(ExitCode.UserMistake, run.ExitCode);
        Assert.Contains(says, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shell_that_runs_the_script_does_the_run_of_its_index_whatever_the_folder_is_called()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The script is for a Unix shell.");
        using var sweep = new TemporarySweep("seeds: [1, 2]", "adversarial.steps=2", "data.test_fraction=0");
        string output = Path.Combine(sweep.Folder, "it's a \"folder\" of $HOME");
        Assert.Equal(ExitCode.Done, ProgramRun.Of("sweep", sweep.File, "--output", output, "--slurm", "--dry-run").ExitCode);

        // The sweep has a copy of its file, so that the jobs do what was submitted.
        sweep.Write("seeds: [7]");
        (int exitCode, _, string error) = ProgramProcess.InShell("SLURM_ARRAY_TASK_ID=1 sh \"$2\"", Path.Combine(output, SlurmScript.FileName));
        Assert.True(exitCode == 0, error);
        Assert.Equal(SweepRunStatus.Done, SweepPlan.Read(Path.Combine(output, SweepPlan.FileName), output).Runs[1].Status);
    }

    [Fact]
    public void A_machine_without_slurm_is_told_where_the_script_is()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The search for sbatch is made empty in a Unix shell.");
        using var sweep = new TemporarySweep("seeds: [1]", "adversarial.steps=2");
        (int exitCode, _, string error) =
            ProgramProcess.InShell("PATH=/nowhere exec \"$@\"", "sweep", sweep.File, "--output", sweep.Output, "--slurm");
        Assert.Equal(ExitCode.UserMistake, exitCode);
        Assert.Contains("There is no sbatch here, so nothing is submitted", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_real_slurm_does_a_sweep_of_four_as_a_job_array_and_compare_reads_it()
    {
        string loopback = Path.Combine(SourceTree.Root, "scripts", "slurm-loopback.sh");
        using var sweep = new TemporarySweep("seeds: [1, 2]\nlist: { mle: , gumbel: { objective: gumbel } }", "adversarial.steps=30");
        string state = Path.Combine(sweep.Folder, "slurm");
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Slurm is for Unix.");
        (int started, _, string why) = ProgramProcess.OfScript(loopback, "start", state);
        try
        {
            Assert.SkipWhen(started != 0, $"Slurm does not start here: {why.Trim()}");
            string slurm = $"SLURM_CONF='{state}/slurm.conf'";
            (int exitCode, string said, string error) = ProgramProcess.InShell($"{slurm} exec \"$@\"",
                "sweep", sweep.File, "--output", sweep.Output, "--slurm");
            Assert.True(exitCode == 0, error);
            Assert.StartsWith("Submitted batch job ", said, StringComparison.Ordinal);
            SweepRun[] runs = [.. sweep.Plan.Runs];
            for (var clock = Stopwatch.StartNew(); runs.Any(run => run.Status != SweepRunStatus.Done); Thread.Sleep(200))
            {
                Assert.True(clock.Elapsed < TimeSpan.FromMinutes(3),
                    string.Concat(Directory.GetFiles(Path.Combine(sweep.Output, "logs")).Select(File.ReadAllText)));
            }

            Assert.Equal(4, Directory.GetFiles(Path.Combine(sweep.Output, "logs"), "slurm-*_*.txt").Length);
            ProgramRun compared = ProgramRun.Of("compare", sweep.Output);
            Assert.True(compared.ExitCode == ExitCode.Done, compared.Error);
            Assert.Matches(@"(?m)^runs +2 +2$", compared.Output);
            (_, _, string again) = ProgramProcess.InShell($"{slurm} exec \"$@\"", "sweep", sweep.File, "--output", sweep.Output, "--slurm");
            Assert.Contains("All 4 runs in", again, StringComparison.Ordinal);
        }
        finally
        {
            ProgramProcess.OfScript(loopback, "stop", state);
        }
    }
}
