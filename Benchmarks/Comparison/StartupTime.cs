using System.Diagnostics;
using System.Globalization;

namespace GumbelGan.Benchmarks.Comparison;

/// <summary>How long a new process needs until its first training step is done.</summary>
internal static class StartupTime
{
    private const int Runs = 5, Lines = 2000;
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);

    /// <summary>Starts real runs on a small corpus, each stopped as soon as its first step is in metrics.jsonl.</summary>
    /// <returns>One paragraph of Markdown.</returns>
    public static string Measure(string program)
    {
        string folder = Directory.CreateTempSubdirectory("gumbelgan-startup-").FullName;
        try
        {
            string corpus = Path.Combine(folder, "corpus.txt");
            Measurement.Output(program, ["corpus", "build", "corpora/captions.grammar", "--count", Lines.ToString(CultureInfo.InvariantCulture),
                "--seed", "1", "--output", corpus]);
            double[] seconds =
                [.. Enumerable.Range(0, Runs).Select(number => FirstStep(program, corpus, Path.Combine(folder, $"run-{number}"))).Order()];
            return string.Create(CultureInfo.InvariantCulture, $"Start of the process to the end of the first training step (recipe "
                + $"captions, {Lines} lines, `recording.every=1`; the evaluation before it included): {seconds[Runs / 2]:F2} s, {seconds[0]:F2} "
                + $"to {seconds[^1]:F2} s in {Runs} runs.\n");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double FirstStep(string program, string corpus, string run)
    {
        Console.Error.WriteLine($"start-up: {run}");
        long start = Stopwatch.GetTimestamp();
        var information =
            new ProcessStartInfo(program, ["train", "--recipe", "captions", "--corpus", corpus, "--run", run, "--set", "recording.every=1",
            "--quiet"])
            { RedirectStandardError = true, RedirectStandardOutput = true };
        using Process process = Process.Start(information)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string metrics = Path.Combine(run, "metrics.jsonl");
        double seconds;
        while (true)
        {
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (File.Exists(metrics) && File.ReadAllText(metrics).Contains("loss/mle", StringComparison.Ordinal))
            {
                break;
            }

            if (process.HasExited || seconds > _patience.TotalSeconds)
            {
                Stop(process);
                throw new InvalidOperationException($"The run did not get to its first step: {error.Result.Trim()}");
            }

            Thread.Sleep(5);
        }

        Stop(process);
        return seconds;
    }

    private static void Stop(Process process)
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
    }
}
