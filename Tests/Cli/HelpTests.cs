using System.CommandLine;
using System.CommandLine.Parsing;
using GumbelGan.Cli;
using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Cli;

/// <summary>
/// The help of every command is an approved text in Tests/Cli/approved. After a wanted change, <c>make approve</c> and
/// read the difference before committing it.
/// </summary>
public sealed class HelpTests
{
    public static TheoryData<string> CommandLines()
    {
        var surroundings = Surroundings.Of(TextWriter.Null, TextWriter.Null, CancellationToken.None);
        return [.. Below(GumbelGanProgram.CreateRoot(surroundings), "")];

        static IEnumerable<string> Below(Command command, string path) =>
            command.Subcommands.SelectMany(sub => Below(sub, $"{path} {sub.Name}".Trim())).Prepend(path);
    }

    [Theory]
    [MemberData(nameof(CommandLines))]
    public void The_help_of_every_command_is_as_approved(string command)
    {
        ProgramRun run = ProgramRun.Of([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.Equal((ExitCode.Done, ""), (run.ExitCode, run.Error));
        string help = string.Join('\n', run.Output.TrimEnd().Split('\n').Select(line => line.TrimEnd())) + "\n";
        string file = (command.Length == 0 ? "gumbelgan" : command.Replace(' ', '-')) + ".txt";
        if (Environment.GetEnvironmentVariable("GUMBELGAN_APPROVE") is { Length: > 0 } folder)
        {
            File.WriteAllText(Path.Combine(folder, file), help);
        }

        string approved = Path.Combine(AppContext.BaseDirectory, "Cli", "approved", file);
        Assert.True(File.Exists(approved), $"The help of '{command}' is not approved yet: there is no Tests/Cli/approved/{file}.");
        Assert.Equal(File.ReadAllText(approved), help);
    }

    [Fact]
    public void Every_example_is_a_command_line_that_the_program_understands()
    {
        string[] keys = [.. ConfigurationReader.Keys<RunConfig>().Select(key => key.Path)];
        Command root = GumbelGanProgram.CreateRoot(Surroundings.Of(TextWriter.Null, TextWriter.Null, CancellationToken.None));
        foreach (ExplainedCommand.Example example in Examples(root))
        {
            string[] words = [.. CommandLineParser.SplitCommandLine(example.Line)];
            Assert.Equal("gumbelgan", words[0]);
            ParseResult parsed = root.Parse(words[1..]);
            Assert.True(parsed.Errors.Count == 0, $"{example.Line}: {string.Join(' ', parsed.Errors)}");
            Assert.All(words.Where((_, index) => index > 0 && words[index - 1] == "--set"),
                set => Assert.Contains(ConfigurationAssignment.Parse(set).Path, keys));
        }

        static IEnumerable<ExplainedCommand.Example> Examples(Command command) =>
            command.Subcommands.SelectMany(Examples).Concat((command as ExplainedCommand)?.Examples ?? []);
    }

    [Fact]
    public void Every_command_has_examples_and_every_option_and_argument_a_description()
    {
        var surroundings = Surroundings.Of(TextWriter.Null, TextWriter.Null, CancellationToken.None);
        Check(GumbelGanProgram.CreateRoot(surroundings));

        static void Check(Command command)
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Description), command.Name);
            Assert.All(command.Options, option => Assert.True(option is System.CommandLine.Help.HelpOption or VersionOption
                || !string.IsNullOrWhiteSpace(option.Description), $"{command.Name} {option.Name}"));
            Assert.All(command.Arguments,
                argument => Assert.False(string.IsNullOrWhiteSpace(argument.Description), $"{command.Name} <{argument.Name}>"));
            if (command.Subcommands.Count == 0)
            {
                ExplainedCommand explained = Assert.IsType<ExplainedCommand>(command, exactMatch: false);
                Assert.NotEmpty(explained.Examples);
                Assert.All(explained.Examples, example => Assert.Contains(command.Name, example.Line));
            }

            foreach (Command sub in command.Subcommands)
            {
                Check(sub);
            }
        }
    }
}
