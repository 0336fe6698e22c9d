using System.Diagnostics;
using System.Globalization;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Recording;

namespace GumbelGan.Benchmarks.Recording;

/// <summary>
/// What recording costs, as a share of training at the default interval: <c>dotnet run -c Release --project Benchmarks -- recording CORPUS</c>.
/// Recording is counted in processor time of all threads, the background writer included; a step in wall time. So the share is an upper bound.
/// </summary>
internal static class RecordingBenchmark
{
    private const int Reports = 20_000, Steps = 200;

    internal static int Run(string corpus, TextWriter output)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("gumbelgan-benchmark-");
        try
        {
            var defaults = new RecordingOptions();
            double step = MedianStep(corpus, folder.FullName, defaults.Every);
            double report = Report(folder.CreateSubdirectory("records").FullName);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"a step {step * 1e3:F1} ms; a report {report * 1e6:F1} us of processor time, every {defaults.Every} steps: {report / (defaults.Every * step):P4} of training"));
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Seconds of an adversarial step of the captions recipe, evaluations left out.</summary>
    private static double MedianStep(string corpus, string folder, int every)
    {
        string[] assignments =
        [
            $"corpus={corpus}", "pretraining.epochs=0", "adversarial.discriminator_warm_up_steps=0", $"adversarial.steps={Steps}", $"recording.every={every}",
            "recording.evaluate_every=1000000", "recording.checkpoint_every=1000000", "recording.bleu_samples=0", "recording.samples=1",
        ];
        RunConfig config = ConfigurationReader.Read<RunConfig>([Recipes.Load("captions")], [.. assignments.Select(ConfigurationAssignment.Parse)]);
        var clock = new ReportClock();
        using TrainingJob job = TrainingJob.Prepare(config);
        job.Start(Path.Combine(folder, "run"), "benchmark", clock, CancellationToken.None);
        double[] intervals = [.. clock.Times.Zip(clock.Times.Skip(1), (before, after) => (after - before).TotalSeconds / every).Order()];
        return intervals[intervals.Length / 2];
    }

    /// <summary>Seconds of processor time that a report of an adversarial step takes.</summary>
    private static double Report(string folder)
    {
        (string Tag, double Value)[] scalars =
        [
            ("loss/discriminator", 0.69), ("score/real", 0.12), ("score/fake", -0.12), ("gradient_norm/discriminator", 0.5), ("loss/generator", 0.7), ("gradient_norm/generator", 0.2), ("temperature", 0.9),
        ];
        using RunRecorder recorder = RunRecorder.Start(folder);
        TimeSpan start = default;
        for (int step = -1000; step < Reports; step++)
        {
            if (step == 0)
            {
                recorder.Flush();
                start = Environment.CpuUsage.TotalTime;
            }

            recorder.Scalars(step + 1000, "adversarial", scalars);
            recorder.Chart(step + 1000, "speed/sequences_per_second", 1000 + step);
        }

        recorder.Flush();
        return (Environment.CpuUsage.TotalTime - start).TotalSeconds / Reports;
    }

    private sealed class ReportClock : ITrainingObserver
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        public List<TimeSpan> Times { get; } = [];

        public void OnPhase(string name, int steps)
        {
        }

        public void OnStep(StepReport report)
        {
            if (report.SequencesPerSecond > 0)
            {
                Times.Add(_clock.Elapsed);
            }
        }

        public void OnSamples(int step, IReadOnlyList<string> real, IReadOnlyList<string> generated)
        {
        }

        public void OnMessage(string message)
        {
        }
    }
}
