using GumbelGan.Tests.Training;
using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Cli;

/// <summary>The real program with standard streams that fail.</summary>
public sealed class StandardStreamTests : IDisposable
{
    private readonly TemporaryRun _run = new();

    public StandardStreamTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "There is no /dev/full.");

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("2>&-")]
    [InlineData("2>/dev/full")]
    [InlineData("</dev/null 2>&-")]
    public void Training_goes_on_to_the_same_bytes_without_a_standard_error(string redirection)
    {
        string config = Path.Combine(_run.Folder, "small.yaml"), undisturbed = Path.Combine(_run.Folder, "undisturbed");
        File.WriteAllText(config, ConfigurationWriter.Write(_run.Config("objective=gumbel")));
        TemporaryRun.TrainInto(undisturbed, _run.Config("objective=gumbel"), new GumbelGan.Training.Watching.SilentTrainingObserver(),
            CancellationToken.None);
        (int exitCode, string output, _) = ProgramProcess.InShell($"\"$@\" {redirection}", "train", "--config", config, "--run", _run.Run);
        Assert.Equal(0, exitCode);
        Assert.Contains("Held-out NLL", output);
        AdversarialTrainerTests.AssertSameRun(undisturbed, _run.Run);
    }

    [Theory]
    [InlineData("2>&-")]
    [InlineData("2>/dev/full")]
    public void A_mistake_that_cannot_be_told_still_has_its_exit_code(string redirection)
    {
        Assert.Equal(2, ProgramProcess.InShell($"\"$@\" {redirection}", "sample", Path.Combine(_run.Folder, "none")).ExitCode);
    }

    [Theory]
    [InlineData(">/dev/full", "No space left on device")]
    [InlineData(">&-", "it is closed")]
    public void A_standard_output_that_takes_nothing_is_one_sentence_and_exit_code_1(string redirection, string says)
    {
        foreach (string[] words in new string[][] { ["doctor"], ["--help"], ["--version"], ["corpus", "info", _run.Corpus, "--json"] })
        {
            (int exitCode, _, string error) = ProgramProcess.InShell($"\"$@\" {redirection}", words);
            Assert.Equal(1, exitCode);
            Assert.Contains(says, Assert.Single(error.TrimEnd('\n').Split('\n')));
        }
    }

    [Fact]
    public void A_reader_that_has_enough_ends_the_program_quietly()
    {
        _run.Train(_run.Config("objective=mle"));
        // More than a pipe holds.
        string ids = Path.Combine(_run.Folder, "ids");
        File.WriteAllLines(ids, Enumerable.Repeat("4 5 6 7 8 9", 20_000));
        (int exitCode, string output, string error) = ProgramProcess.InShell("{ \"$@\"; echo \"ended with $?\" >&2; } | head -n 1",
            "tokenizer", "decode", Path.Combine(_run.Run, "tokenizer"), ids);
        Assert.Equal(0, exitCode);
        Assert.Single(output.TrimEnd('\n').Split('\n'));
        Assert.Equal("ended with 0\n", error);
    }
}
