using System.CommandLine;
using GumbelGan.Cli;
using GumbelGan.Storage;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class GumbelGanProgramTests
{
    [Theory]
    [InlineData("runz", "'gumbelgan' has no command 'runz'; did you mean 'runs'? See 'gumbelgan --help'.")]
    [InlineData("--versoin", "'gumbelgan' has no option --versoin; did you mean --version? See 'gumbelgan --help'.")]
    [InlineData("runs --jsno", "'gumbelgan runs' has no option --jsno; did you mean --json? See 'gumbelgan runs --help'.")]
    [InlineData("runs a b", "'gumbelgan runs' does not take 'b'; see 'gumbelgan runs --help'.")]
    [InlineData("runs /no/such/folder", "There is no folder /no/such/folder; give the folder that holds the runs.")]
    [InlineData("runs @responses", "There is no folder @responses; give the folder that holds the runs.")]
    public void A_mistaken_command_line_gets_one_sentence_on_standard_error_and_exit_code_2(string commandLine, string expected)
    {
        ProgramRun run = ProgramRun.Of(commandLine.Split(' '));
        Assert.Equal(new ProgramRun(ExitCode.UserMistake, "", expected + "\n"), run);
    }

    [Theory]
    [InlineData("one", "'gumbelgan try' needs <output>; see 'gumbelgan try --help'.")]
    [InlineData("one two --number x", "Cannot parse argument 'x' for option '--number' as a whole number; see 'gumbelgan try --help'.")]
    [InlineData("one two --ratio x", "Cannot parse argument 'x' for option '--ratio' as a number; see 'gumbelgan try --help'.")]
    [InlineData("one two --number", "Required argument missing for option: '--number'; see 'gumbelgan try --help'.")]
    public void Wrong_values_are_explained_without_the_names_of_our_types(string commandLine, string expected)
    {
        Assert.Equal(new ProgramRun(ExitCode.UserMistake, "", expected + "\n"), Try(commandLine, () => 0));
    }

    [Theory]
    [InlineData(32, ExitCode.Done, "")]
    [InlineData(28, ExitCode.Failed, "Standard output cannot be written (the system's words); give it another place, or free some space.\n")]
    public void Output_that_nobody_reads_ends_quietly_and_output_that_cannot_be_written_fails(int error, int exitCode, string says)
    {
        Assert.Equal(new ProgramRun(exitCode, "", says),
            Try("one two", () => throw new GumbelGan.Cli.Streams.StandardStreamException(error, "the system's words")));
    }

    [Fact]
    public void A_users_mistake_is_its_own_sentence_and_exit_code_2()
    {
        Assert.Equal(
            new ProgramRun(ExitCode.UserMistake, "", "The corpus is empty; give another.\n"),
            Try("one two", () => throw new UserMistakeException("The corpus is empty; give another.")));
    }

    [Fact]
    public void Our_own_failure_is_a_message_a_hint_and_exit_code_1_without_a_stack_trace()
    {
        Assert.Equal(
            new ProgramRun(ExitCode.Failed, "", "Failed: tensors disagree\nSet GUMBELGAN_DEBUG=1 to see where.\n"),
            Try("one two", () => throw new InvalidOperationException("tensors disagree")));
    }

    [Fact]
    public void An_interruption_is_exit_code_130()
    {
        Assert.Equal(new ProgramRun(ExitCode.Interrupted, "", ""), Try("one two", () => throw new OperationCanceledException(), isInterrupted: true));
    }

    [Fact]
    public void A_cancellation_that_nobody_asked_for_is_a_failure()
    {
        Assert.Equal(ExitCode.Failed, Try("one two", () => throw new TaskCanceledException()).ExitCode);
    }

    [Fact]
    public void Of_an_error_of_libtorch_the_first_line_is_shown_and_not_its_frames()
    {
        ProgramRun run = Try("a b", () =>
        {
            using TorchSharp.torch.Tensor x = TorchSharp.torch.ones(2, 3);
            return (int)x.mm(x).shape[0];
        });
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        string[] lines = run.Error.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("Failed: mat1 and mat2 shapes cannot be multiplied", lines[0]);
        Assert.Contains("GUMBELGAN_DEBUG=1", lines[1]);
    }

    [Fact]
    public void The_version_tells_program_commit_and_engine()
    {
        ProgramRun run = ProgramRun.Of("--version");
        Assert.Equal(ExitCode.Done, run.ExitCode);
        Assert.Matches(@"\Agumbelgan \d+\.\d+\.\d+( \(commit [0-9a-f]{40}\))?\nTorchSharp 0\.107\.0, libtorch 2\.10\.0\n\z", run.Output);
    }

    private static ProgramRun Try(string commandLine, Func<int> action, bool isInterrupted = false)
    {
        var output = new StringWriter { NewLine = "\n" };
        var error = new StringWriter { NewLine = "\n" };
        var root = new Command("gumbelgan", "A root.");
        var command = new Command("try", "Tries.");
        command.Arguments.Add(new Argument<string>("input"));
        command.Arguments.Add(new Argument<string>("output"));
        command.Options.Add(new Option<int?>("--number"));
        command.Options.Add(new Option<double>("--ratio"));
        command.SetAction(_ => action());
        root.Subcommands.Add(command);
        int exitCode =
            GumbelGanProgram.Run(root, ["try", .. commandLine.Split(' ')], Surroundings.Of(output, error, new CancellationToken(isInterrupted)));
        return new ProgramRun(exitCode, output.ToString(), error.ToString());
    }
}
