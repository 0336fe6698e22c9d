using System.Globalization;
using System.Text;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Evaluation;
using GumbelGan.Tests.Storage;
using GumbelGan.Training.Recording;
using GumbelGan.Training.Runs;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>Seeded damage to the small files of a run folder: each is read, or refused by the one documented exception.</summary>
public sealed class StateFuzzTests
{
    private static readonly byte[][] _dictionary =
        [.. new[] { "null", "NaN", "\"NaN\"", "1e999", "-1", "9223372036854775807", "99999999999999999999", "[", "]", "{", "}", "\"", ",", ":",
            "\"step\": 1,", "\\u0000", "\\ud800", "../", "/", "\n", "\0", "-2", "true", "\"recorded\": null," }.Select(Encoding.UTF8.GetBytes),
            [.. Enumerable.Repeat((byte)'[', 5000)]];

    private static int Rounds => int.Parse(Environment.GetEnvironmentVariable("GUMBELGAN_FUZZ_ROUNDS") ?? "2000", CultureInfo.InvariantCulture);

    [Fact]
    public void Mutated_states_are_read_or_refused()
    {
        byte[] seed = new TrainingState
        {
            Phase = "adversarial",
            Step = 123,
            PhaseStep = 45,
            BestStep = 100,
            BestValidationNll = 1.25,
            Recorded = new RecorderPosition(1000, "events.out.tfevents.1795333221.vm.11283.0", 5000)
        }.ToJson();
        Fuzz("state", seed, mutant =>
        {
            TrainingState state = TrainingState.FromJson(mutant, "state.json");
            Assert.NotNull(state.Health);
            Assert.True(state.PhaseStep <= state.Step && state.LearningRateScale > 0);
            Assert.True(state.Recorded is null or { EventFile: not null });
        });
    }

    [Fact]
    public void Mutated_pointers_lead_to_a_checkpoint_beside_them_or_nowhere()
    {
        using var folder = new TemporaryFolder();
        string run = Directory.CreateDirectory(folder["run"]).FullName;
        File.WriteAllText(Path.Combine(run, "config.yaml"), "seed: 1\n");
        string checkpoints = Path.Combine(run, "checkpoints");
        foreach (string name in (string[])["000001", "000500", "000500-2"])
        {
            Directory.CreateDirectory(Path.Combine(checkpoints, name));
        }

        string pointer = Path.Combine(checkpoints, "latest");
        Fuzz("pointer", "000500-2\n"u8.ToArray(), mutant =>
        {
            File.WriteAllBytes(pointer, mutant);
            Checkpoint latest = RunFolder.Open(run).Latest();
            Assert.Equal(checkpoints, Path.GetDirectoryName(Path.GetFullPath(latest.Path)));
        });
    }

    [Fact]
    public void Mutated_evaluations_are_read_or_refused()
    {
        byte[] seed = Encoding.UTF8.GetBytes(MadeUpRuns.Evaluation("gumbel", 1).ToJson());
        Fuzz("evaluation", seed, mutant =>
        {
            EvaluationDocument evaluation = EvaluationDocument.Parse(Encoding.UTF8.GetString(mutant), "evaluation.json");
            Assert.NotNull(evaluation.Budget);
            Assert.NotNull(evaluation.Last?.Metrics ?? evaluation.References[evaluation.References.Keys.First()]);
        }, allocation: 2_000_000);
    }

    [Fact]
    public void Mutated_recorder_positions_cut_nothing_outside_the_run_folder()
    {
        using var folder = new TemporaryFolder();
        string precious = folder["events.out.tfevents.1795333221.vm.1.0"];
        string run = Directory.CreateDirectory(folder["run"]).FullName;
        var random = new RandomStream(new RandomKey(7).Derive("position"));
        for (int round = 0; round < Rounds / 20; round++)
        {
            File.WriteAllText(precious, "precious");
            File.WriteAllText(Path.Combine(run, "metrics.jsonl"), "{\"step\":1,\"phase\":\"a\"}\n");
            string name =
                Encoding.UTF8.GetString(Mutation.Of("../events.out.tfevents.1795333221.vm.1.0"u8.ToArray(),
                [.. _dictionary.Select(word => word[..Math.Min(word.Length, 30)])], random));
            try
            {
                RunRecorder.Resume(run, 1, new RecorderPosition(23, name, 0)).Dispose();
            }
            catch (UserMistakeException)
            {
            }

            Assert.Equal("precious", File.ReadAllText(precious));
        }
    }

    private static void Fuzz(string name, byte[] seed, Action<byte[]> read, int allocation = 300_000)
    {
        var key = new RandomKey(5).Derive(name);
        int accepted = 0;
        int rounds = Rounds;
        for (int round = 0; round < rounds; round++)
        {
            byte[] mutant = Mutation.Of(seed, _dictionary, new RandomStream(key.Derive((ulong)round)));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(mutant);
                accepted++;
            }
            catch (UserMistakeException mistake)
            {
                Assert.InRange(mistake.Message.Length, 10, 2000);
            }
            catch (Exception other) when (other is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"Round {round} ended with {other}");
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, allocation + (20 * mutant.Length));
        }

        Assert.InRange(accepted, rounds / 100, rounds - (rounds / 20)); // neither all intact nor all hopeless
    }
}
