using System.Globalization;
using GumbelGan.Randomness;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Recording;
using GumbelGan.Training.Watching;

namespace GumbelGan.Benchmarks.Recording;

/// <summary>
/// What recording and making batches cost, as shares of training at the default interval: <c>dotnet run -c Release --project Benchmarks -- recording
/// CORPUS</c>. Both are counted in processor time, which a busy machine does not change: a report's, and a step's on one thread.
/// </summary>
internal static class RecordingBenchmark
{
    private const int Reports = 20_000, Steps = 200, Batches = 5_000;

    internal static int Run(string corpus, TextWriter output)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("gumbelgan-benchmark-");
        try
        {
            var defaults = new RecordingOptions();
            (double step, double batch, long weights, long epoch) = MedianStep(corpus, folder.FullName, defaults.Every);
            double report = Report(folder.CreateSubdirectory("records").FullName);
            double histograms = Histograms(folder.CreateSubdirectory("histograms").FullName, weights);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"an adversarial step {step * 1e3:F1} ms of processor time; a report {report * 1e6:F1} us, every {defaults.Every} "
                    + $"steps: {report / (defaults.Every * step):P4} of training"));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"histograms of {weights} weights {histograms * 1e3:F1} ms, once an epoch of {epoch} steps: {histograms / (epoch * step):P4} of "
                    + $"training"));
            output.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"a batch of real sequences {batch * 1e6:F1} us: {batch / step:P3} of training"));
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Seconds of processor time of an adversarial step of the captions recipe, evaluations left out, and of making its batch.</summary>
    private static (double Step, double Batch, long Weights, long Epoch) MedianStep(string corpus, string folder, int every)
    {
        string[] assignments =
        [
            $"corpus={corpus}", "threads=1", "pretraining.epochs=0", "adversarial.discriminator_warm_up_steps=0", $"adversarial.steps={Steps}",
                $"recording.every={every}",
            "recording.evaluate_every=1000000", "recording.checkpoint_every=1000000", "recording.bleu_samples=0", "recording.samples=1",
        ];
        RunConfig config = ConfigurationReader.Read<RunConfig>([Recipes.Load("captions")], [.. assignments.Select(ConfigurationAssignment.Parse)]);
        var clock = new ReportClock();
        using TrainingJob job = TrainingJob.Prepare(config);
        job.Start(Path.Combine(folder, "run"), "benchmark", clock, CancellationToken.None);
        double[] intervals = [.. clock.Times.Zip(clock.Times.Skip(1), (before, after) => (after - before).TotalSeconds / every).Order()];
        var source = new BatchSource(job.Corpus.Train, config.Adversarial.BatchSize, job.Corpus.Tokenizer.PaddingId, 1, new RandomKey(1));
        TimeSpan start = default;
        for (int number = -Batches; number < Batches; number++)
        {
            start = number == 0 ? Environment.CpuUsage.TotalTime : start;
            source.Batch(number + Batches).Dispose();
        }

        double batch = (Environment.CpuUsage.TotalTime - start).TotalSeconds / Batches;
        return (intervals[intervals.Length / 2], batch, job.Generator.Module.parameters().Sum(parameter => parameter.numel()),
            job.Corpus.Train.Count / config.Adversarial.BatchSize);
    }

    /// <summary>Seconds of processor time that a report of an adversarial step takes.</summary>
    private static double Report(string folder)
    {
        (string Tag, double Value)[] scalars =
        [
            ("loss/discriminator", 0.69), ("score/real", 0.12), ("score/fake", -0.12), ("gradient_norm/discriminator", 0.5), ("loss/generator", 0.7),
                ("gradient_norm/generator", 0.2), ("temperature", 0.9),
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

    /// <summary>Seconds of processor time that the weights of one evaluation take.</summary>
    private static double Histograms(string folder, long weights)
    {
        const int Evaluations = 20;
        var random = new RandomStream(new RandomKey(1));
        float[] values = [.. Enumerable.Range(0, (int)weights).Select(_ => (float)(random.NextDouble() - 0.5))];
        using RunRecorder recorder = RunRecorder.Start(folder);
        TimeSpan start = Environment.CpuUsage.TotalTime;
        for (int step = 0; step < Evaluations; step++)
        {
            recorder.Histogram("weights/all", step, values);
        }

        recorder.Flush();
        return (Environment.CpuUsage.TotalTime - start).TotalSeconds / Evaluations;
    }

    private sealed class ReportClock : ITrainingObserver
    {
        public List<TimeSpan> Times { get; } = [];

        public void OnPhase(string name, int steps)
        {
        }

        public void OnStep(StepReport report)
        {
            if (report.SequencesPerSecond > 0)
            {
                Times.Add(Environment.CpuUsage.TotalTime);
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
