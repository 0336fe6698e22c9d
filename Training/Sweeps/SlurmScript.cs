using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Sweeps;

/// <summary>The job script that does a sweep's unfinished runs as one array, a run a task.</summary>
/// <param name="Path">Where it is, in the sweep's folder.</param>
/// <param name="Text">What it holds.</param>
public sealed record SlurmScript(string Path, string Text)
{
    /// <summary>The script's name in the sweep's folder.</summary>
    public const string FileName = "sweep.sbatch";

    private const string Directive = "#SBATCH", Array = "--array", ShortArray = "-a";
    private const int LongestTemplate = 1 << 20;

    // A minute before the time limit a run writes its checkpoint; options that come later win.
    private const string Signal = "--signal=B:TERM@60";

    /// <summary>The script of a sweep.</summary>
    /// <param name="plan">The sweep; its file's own <c>slurm</c> options are kept.</param>
    /// <param name="template">A user's job script, whose lines come before the run; null for none.</param>
    /// <param name="program">The command that starts this program.</param>
    /// <param name="threads">Threads of a run; 0 for as many processors as Slurm gives a task.</param>
    /// <param name="jobs">How many runs at a time; 0 for as many as Slurm gives.</param>
    /// <exception cref="UserMistakeException">The options set the array themselves, or are none.</exception>
    public static SlurmScript Of(SweepPlan plan, string? template, IReadOnlyList<string> program, int threads, int jobs)
    {
        string folder = System.IO.Path.GetFullPath(plan.Folder);
        string name = System.IO.Path.GetFileName(folder), limit = jobs > 0 ? string.Create(CultureInfo.InvariantCulture, $"%{jobs}") : "";
        string[] lines = (template ?? "#!/bin/bash").ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        bool hasShell = lines[0].StartsWith("#!", StringComparison.Ordinal);
        string[] options =
        [
            $"--job-name={Quoted(name)}",
            $"--array={Ranges([.. plan.Runs.Where(run => !run.HasEnded).Select(run => run.Index)])}{limit}",
            $"--output={Quoted(System.IO.Path.Combine(SweepRun.LogsIn(folder), "slurm-%A_%a.txt").Replace("%", "%%", StringComparison.Ordinal)
                .Replace("%%A_%%a", "%A_%a", StringComparison.Ordinal))}",
            Signal,
            .. plan.Options.Slurm.Select(Option),
        ];
        if (lines.Select(OptionOf).OfType<string>().FirstOrDefault(SetsArray) is { } set)
        {
            throw SetsArrayItself(set);
        }

        var text = new StringBuilder();
        text.Append(hasShell ? lines[0] : "#!/bin/bash").Append('\n');
        text.Append("# Written by 'gumbelgan sweep --slurm'. The indices are those of the runs that were not done.\n");
        foreach (string option in options)
        {
            text.Append(Directive).Append(' ').Append(option).Append('\n');
        }

        foreach (string line in lines.Skip(hasShell ? 1 : 0))
        {
            text.Append(line).Append('\n');
        }

        // The sweep's own copy of its file: editing the other one moves no index of a job that waits.
        string[] command = [.. program, "sweep", System.IO.Path.Combine(folder, SweepPlan.FileName), .. plan.Words];
        text.Append(CultureInfo.InvariantCulture, $"cd {ForShell(Directory.GetCurrentDirectory())} || exit\n");
        text.Append(CultureInfo.InvariantCulture, $"exec {string.Join(' ', command.Select(ForShell))} --index \"$SLURM_ARRAY_TASK_ID\" --threads ");
        text.Append(threads > 0 ? threads.ToString(CultureInfo.InvariantCulture) : "\"${SLURM_CPUS_PER_TASK:-1}\"").Append('\n');
        plan.MakeFolder();
        return new SlurmScript(System.IO.Path.Combine(plan.Folder, FileName), text.ToString());
    }

    /// <summary>Reads a user's job script.</summary>
    /// <exception cref="UserMistakeException">It cannot be read, or is no text.</exception>
    public static string ReadTemplate(string path)
    {
        byte[] bytes = BoundedFile.Read(path, LongestTemplate);
        try
        {
            return StrictUtf8.Encoding.GetString(bytes);
        }
        catch (DecoderFallbackException cause)
        {
            throw new UserMistakeException($"{path} is no text in UTF-8, and so no job script; name another with --template.", cause);
        }
    }

    /// <summary>Writes it into the sweep's folder.</summary>
    /// <exception cref="UserMistakeException">It cannot be written.</exception>
    public void Write() => AtomicFile.WriteAllText(Path, Text);

    /// <summary>Hands it to <c>sbatch</c>.</summary>
    /// <returns>What sbatch says: the number of the job.</returns>
    /// <exception cref="UserMistakeException">There is no sbatch, or it refuses the job.</exception>
    public string Submit()
    {
        try
        {
            using Process sbatch = Process.Start(new ProcessStartInfo("sbatch", [System.IO.Path.GetFullPath(Path)])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Task<string> error = sbatch.StandardError.ReadToEndAsync();
            string output = sbatch.StandardOutput.ReadToEnd().Trim();
            sbatch.WaitForExit();
            return sbatch.ExitCode == 0 ? output : throw new UserMistakeException(
                $"sbatch refused {Path} ({ConfigurationText.Shown(error.GetAwaiter().GetResult().Trim()).TrimEnd('.')}); change its options under "
                    + "'slurm'.");
        }
        catch (Win32Exception cause)
        {
            throw new UserMistakeException(
                $"There is no sbatch here, so nothing is submitted; the script is {Path}, for a machine that has Slurm.", cause);
        }
    }

    /// <summary>Ascending numbers as Slurm writes them: 0-3,7.</summary>
    internal static string Ranges(IReadOnlyList<int> numbers)
    {
        var ranges = new List<(int From, int To)>();
        foreach (int number in numbers)
        {
            if (ranges is [.., var last] && last.To == number - 1)
            {
                ranges[^1] = (last.From, number);
            }
            else
            {
                ranges.Add((number, number));
            }
        }

        return string.Join(',', ranges.Select(range => string.Create(CultureInfo.InvariantCulture,
            $"{range.From}{(range.To > range.From ? $"-{range.To}" : "")}")));
    }

    // As a word of a shell's command line, whatever is in it.
    private static string ForShell(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    // As a value in a line of #SBATCH, where a double quote cannot stand.
    private static string Quoted(string value) => value.Contains(' ', StringComparison.Ordinal) ? $"\"{value}\"" : value;

    private static string Option(string written)
    {
        string option = OptionOf(written) ?? written.Trim();
        return SetsArray(option) ? throw SetsArrayItself(option)
            : option.StartsWith('-') && !option.Contains('\n', StringComparison.Ordinal) ? option
            : throw new UserMistakeException($"'slurm' holds options of sbatch, such as --time=01:00:00, not '{ConfigurationText.Shown(written)}'.");
    }

    private static string? OptionOf(string line) =>
        line.TrimStart().StartsWith(Directive, StringComparison.Ordinal) ? line.TrimStart()[Directive.Length..].Trim() : null;

    private static bool SetsArray(string option) =>
        option.StartsWith(Array, StringComparison.Ordinal) || option.StartsWith(ShortArray, StringComparison.Ordinal);

    private static UserMistakeException SetsArrayItself(string option) => new(
        $"The sweep sets the job array itself, so leave '{ConfigurationText.Shown(option)}' out; --jobs says how many of its runs go at a time.");
}
