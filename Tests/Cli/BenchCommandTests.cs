using System.Text.Json;
using GumbelGan.Cli;
using GumbelGan.Training.Benchmarking;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class BenchCommandTests
{
    private static readonly string[] _tiny =
        ["--vocab", "12", "--batch", "3", "--length", "6", "--embedding", "4", "--hidden", "5", "--threads", "1", "--repeats", "4", "--count", "7"];

    [Theory]
    [InlineData("iteration --discriminator lstm", new[] { "iteration", "generator_forward", "discriminator_step", "generator_step" })]
    [InlineData("iteration --discriminator cnn --composed", new[] { "iteration", "generator_forward", "discriminator_step", "generator_step" })]
    [InlineData("mixture --relaxation straight_through",
        new[] { "iteration", "generator_forward", "discriminator_step", "generator_step" })]
    [InlineData("mle", new[] { "iteration" })]
    [InlineData("sample", new[] { "iteration" })]
    [InlineData("reinforce --rollouts 2", new[] { "iteration", "generator_forward", "generator_step" })]
    [InlineData("reinforce --rollouts 2 --composed", new[] { "iteration", "generator_forward", "generator_step" })]
    [InlineData("reinforce --rollouts 1 --discriminator lstm", new[] { "iteration", "generator_forward", "generator_step" })]
    public void The_json_holds_median_minimum_and_maximum_of_each_phase_the_peak_memory_and_the_threads_and_nothing_else(string subject,
        string[] phases)
    {
        ProgramRun run = ProgramRun.Of(["bench", .. subject.Split(' '), .. _tiny, "--json"]);
        Assert.Equal((ExitCode.Done, ""), (run.ExitCode, run.Error));
        JsonElement root = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(["median_ms", "min_ms", "max_ms", "peak_bytes", "threads"], root.EnumerateObject().Select(property => property.Name));
        Assert.Equal(1, root.GetProperty("threads").GetInt32());
        Assert.InRange(root.GetProperty("peak_bytes").GetInt64(), 1 << 20, 1L << 40);
        foreach (string summary in (string[])["median_ms", "min_ms", "max_ms"])
        {
            Assert.Equal(phases, root.GetProperty(summary).EnumerateObject().Select(property => property.Name));
        }

        foreach (string phase in phases)
        {
            double Of(string summary) => root.GetProperty(summary).GetProperty(phase).GetDouble();
            Assert.True(Of("min_ms") > 0 && Of("min_ms") <= Of("median_ms") && Of("median_ms") <= Of("max_ms"), phase);
        }

        // The parts are timed inside the whole.
        Assert.True(phases.Skip(1).Sum(phase => root.GetProperty("min_ms").GetProperty(phase).GetDouble()) <= root.GetProperty("min_ms")
            .GetProperty("iteration").GetDouble());
    }

    [Theory]
    [InlineData("iteration --length 4 --discriminator cnn",
        "--length is 4, shorter than what a cnn discriminator reads at once; give a greater length or another --discriminator.")]
    [InlineData("mle --batch 0", "--batch is 0; give a positive number.")]
    [InlineData("mixture --relaxation soft",
        "objective mixture rewards tokens, which adversarial.relaxation soft does not draw; choose a hard one, for example straight_through.")]
    [InlineData("rloo --batch 1",
        "adversarial.batch_size must be at least 2 with a leave-one-out baseline, which averages over the other sequences.")]
    [InlineData("sample --threads -1", "--threads is -1; give 0 for one thread a core, or a number up to 1024.")]
    public void Impossible_sizes_are_refused_in_one_sentence(string commandLine, string expected) =>
        Assert.Equal(new ProgramRun(ExitCode.UserMistake, "", expected + "\n"), ProgramRun.Of(["bench", .. commandLine.Split(' ')]));

    [Fact]
    public void The_median_of_an_even_number_of_times_is_the_mean_of_the_middle_two()
    {
        Assert.Equal(new PhaseTime("x", 2.5, 1, 10), PhaseTime.Of("x", [10, 2, 1, 3]));
        Assert.Equal(new PhaseTime("x", 2, 1, 3), PhaseTime.Of("x", [3, 1, 2]));
    }
}
