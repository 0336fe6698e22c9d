using System.CommandLine;
using GumbelGan.Cli;
using GumbelGan.Cli.Commands;
using GumbelGan.Tests.Training.Configuration;
using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class TrainCommandTests
{
    [Fact]
    public void Every_option_reaches_the_request_and_shorthands_come_before_set()
    {
        (TrainRequest? request, string error) =
            Parse("--config", "a b.yaml", "--recipe", "captions", "--corpus", "c.txt", "--objective", "mle", "--run", "runs/x", "--seed", "7",
            "--device", "cpu", "--threads", "2", "--dry-run", "--quiet", "--set", "generator.hidden_size=8", "--set", "seed=9");
        Assert.Equal("", error);
        Assert.NotNull(request);
        Assert.Equal(("a b.yaml", "captions", "runs/x", null), (request.Config, request.Recipe, request.Run, request.Resume));
        Assert.True(request.DryRun && request.Quiet);
        Assert.Equal(
            [("corpus", "c.txt", "--corpus"), ("objective", "mle", "--objective"), ("seed", "7", "--seed"), ("device", "cpu", "--device"),
                ("threads", "2", "--threads"),
                ("generator.hidden_size", "8", "--set generator.hidden_size=8"), ("seed", "9", "--set seed=9")],
            request.Assignments.Select(assignment => (assignment.Path, assignment.Value, assignment.Origin)));
    }

    [Fact]
    public void Nothing_said_is_nothing_in_the_request()
    {
        (TrainRequest? request, _) = Parse();
        Assert.Equal(new TrainRequest { Assignments = request!.Assignments, Extensions = request.Extensions }, request);
        Assert.Empty(request.Assignments);
        Assert.Empty(request.Extensions);
    }

    [Theory]
    [InlineData("--resume runs/x --recipe captions", "--resume continues a run with its own configuration")]
    [InlineData("--extend adversarial.steps=5", "--extend lengthens a run that exists; name it with --resume.")]
    [InlineData("--resume runs/x --extend steps", "--extend steps: write it as key.path=value")]
    [InlineData("--set seed", "--set seed: write it as key.path=value")]
    [InlineData("--set", "Required argument missing for option: '--set'")]
    [InlineData("--sead 1", "'gumbelgan train' has no option --sead; did you mean --seed?")]
    public void Contradictory_or_incomplete_options_are_refused(string commandLine, string expected)
    {
        (TrainRequest? request, string error) = Parse(commandLine.Split(' '));
        Assert.Null(request);
        Assert.Contains(expected, error);
    }

    private static (TrainRequest? Request, string Error) Parse(params string[] args)
    {
        TrainRequest? request = null;
        var error = new StringWriter { NewLine = "\n" };
        var root = new Command("gumbelgan", "A root.");
        root.Subcommands.Add(TrainCommand.Create(
            given =>
            {
                request = given;
                return ExitCode.Done;
            },
            ConfigurationReader.Keys<SampleConfiguration>));
        int exitCode = GumbelGanProgram.Run(root, ["train", .. args], Surroundings.Of(TextWriter.Null, error, CancellationToken.None));
        Assert.Equal(request is null ? ExitCode.UserMistake : ExitCode.Done, exitCode);
        return (request, error.ToString());
    }
}
