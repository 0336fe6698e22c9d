using System.Globalization;
using System.Text;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Training.Recording;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>Runs of the real program, killed by SIGKILL.</summary>
public sealed class KilledRunTests
{
    private const int Kills = 30;

    /// <summary>What differs in what it keeps; <see cref="AdversarialTrainerTests"/> interrupts every objective.</summary>
    private static readonly string[][] _objectives =
    [
        ["objective=mle"],
        ["objective=gumbel", "discriminator.kind=cnn"],
        ["objective=reinforce", "reinforce.credit=roll_outs", "reinforce.roll_outs=2", "discriminator.kind=lstm"],
    ];

    [Fact]
    public async Task Runs_killed_thirty_times_at_random_moments_end_byte_for_byte_as_undisturbed_ones()
    {
        // Side by side: most of the time goes into starting processes.
        await Task.WhenAll(_objectives.Select(assignments => Task.Run(() => KillAgainAndAgain(assignments))));
    }

    private static void KillAgainAndAgain(string[] assignments)
    {
        using var run = new TemporaryRun();
        string config = Path.Combine(run.Folder, "small.yaml");
        File.WriteAllText(config,
            ConfigurationWriter.Write(run.Config(
            [.. assignments, "pretraining.epochs=5", "adversarial.steps=150", "recording.checkpoint_every=3", "recording.evaluate_every=6"])));
        using (ProgramProcess undisturbed = ProgramProcess.Start("train", "--config", config, "--run", run.Run, "--quiet"))
        {
            Assert.True(undisturbed.End() == 0, undisturbed.Error);
        }

        var random = new RandomStream(new RandomKey(30).Derive(assignments[0]));
        // A run that got through between two kills is compared and another one started: there are thirty kills on any machine.
        for (int kills = 0, runs = 0; kills < Kills; runs++)
        {
            string killed = Path.Combine(run.Folder, string.Create(CultureInfo.InvariantCulture, $"killed-{runs}"));
            while (true)
            {
                bool started = File.Exists(Path.Combine(killed, "config.yaml"));
                using ProgramProcess process = started
                    ? ProgramProcess.Start("train", "--resume", killed, "--quiet")
                    : ProgramProcess.Start("train", "--config", config, "--run", killed, "--quiet");
                if (kills < Kills)
                {
                    // Some die while the process starts, most a few steps on.
                    if (random.NextInt32(5) == 0)
                    {
                        Thread.Sleep(random.NextInt32(800));
                    }
                    else
                    {
                        long target = LatestStep(killed) + 1 + random.NextInt32(6);
                        process.WaitUntil(() => LatestStep(killed) >= target);
                        Thread.Sleep(random.NextInt32(12));
                    }

                    if (!process.HasEnded)
                    {
                        process.Kill();
                        kills++;
                        AssertWhole(killed);
                        continue;
                    }
                }

                Assert.True(process.End() == 0, process.Error);
                break;
            }

            AdversarialTrainerTests.AssertSameRun(run.Run, killed);
            Assert.Equal(State(run.Run), State(killed));
            Assert.Equal(Names(Path.Combine(run.Run, "samples")), Names(Path.Combine(killed, "samples")));
            AssertSameEvents(run.Run, killed);
        }
    }

    /// <summary>Whatever the moment of the kill, the latest checkpoint can be read, every file of it.</summary>
    private static void AssertWhole(string run)
    {
        if (LatestStep(run) >= 0)
        {
            Checkpoint latest = RunFolder.Open(run).Latest();
            Assert.Equal(LatestStep(run), latest.State().Step);
            Assert.All(((string[])["generator", "discriminator", "generator_optimizer", "discriminator_optimizer"]),
                name => SafetensorsFile.Read(Path.Combine(latest.Path, $"{name}.safetensors")));
        }
    }

    private static void AssertSameEvents(string expected, string actual)
    {
        List<EventRecord> events = EventReader.ReadFolder(actual);
        var points = events.SelectMany(record => record.Values.Select(value => (value.Tag, record.Step))).ToList();
        Assert.Equal(points.Count, points.Distinct().Count());
        // TensorBoard's purge rule must find nothing to forget that is not there again.
        Assert.Equal(points.Count, EventReader.Purge(events).Sum(record => record.Values.Count));
        Assert.Equal(Values(EventReader.ReadFolder(expected)), Values(events));

        static List<(string, long, float?, string)> Values(List<EventRecord> records) =>
        [
            .. records.SelectMany(record => record.Values.Where(value => !value.Tag.StartsWith("speed/", StringComparison.Ordinal)
                && !value.Tag.StartsWith("_hparams_", StringComparison.Ordinal)).Select(value =>
                (value.Tag, record.Step, value.Scalar,
                    value.Histogram is { } histogram
                    ? string.Join(' ', histogram.Counts) : string.Join(' ', value.Tensor?.Strings.Select(Convert.ToHexString) ?? []))))
                    .OrderBy(value => value.Tag, StringComparer.Ordinal).ThenBy(value => value.Step),
        ];
    }

    private static string State(string run) =>
        Encoding.UTF8.GetString((RunFolder.Open(run).Latest().State() with { Recorded = null, TrainingSeconds = 0 }).ToJson());

    private static string[] Names(string folder) =>
        [.. Directory.GetFiles(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private static long LatestStep(string run)
    {
        string path = Path.Combine(run, "checkpoints", "latest");
        return File.Exists(path) ? long.Parse(File.ReadAllText(path), CultureInfo.InvariantCulture) : -1;
    }
}
