using System.CommandLine;
using GumbelGan.Cli;
using GumbelGan.Tests.Storage;
using Xunit;

namespace GumbelGan.Tests.Cli;

/// <summary>Every option of every command that takes a number, found by walking the commands: a new one is held to this as well.</summary>
public sealed class NumericOptionTests : IDisposable
{
    private static readonly string[] _noNumbers = ["0,7", "1e999", "abc", "", "1 000", "0x10", "NaN", "-"];

    private static readonly HashSet<Type> _numeric =
        [typeof(int), typeof(long), typeof(ulong), typeof(uint), typeof(double), typeof(float), typeof(decimal)];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string> Options()
    {
        var data = new TheoryData<string, string>();
        foreach ((string path, Command command) in Commands.All())
        {
            foreach (Option option in command.Options.Where(IsNumeric))
            {
                data.Add(path, option.Name);
            }
        }

        return data;
    }

    [Fact]
    public void The_walk_finds_numbers_lists_of_numbers_and_options_that_stand_for_keys()
    {
        string[] found = [.. Options().Select(row => $"{row.Data.Item1} {row.Data.Item2}")];
        Assert.Superset(
            new HashSet<string>
            {
                "sample --temperature", "sample --top-k", "metrics --top-p", "evaluate --top-p", "evaluate --temperatures", "train --seed",
                "bench --vocab", "corpus info --test-fraction",
            },
            found.ToHashSet());
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void What_is_no_number_is_refused_before_anything_is_done(string command, string option)
    {
        // In a list a comma stands between two numbers.
        bool isList = Commands.All().First(pair => pair.Path == command).Command.Options.First(found => found.Name == option).HelpName == "list";
        foreach (string text in _noNumbers.Where(text => !isList || text != "0,7"))
        {
            string[] words = [.. command.Split(' '), .. Arguments(command), option, text];
            ProgramRun run = ProgramRun.Of(words);
            Assert.True(run.ExitCode == ExitCode.UserMistake, $"{string.Join(' ', words)}: {run}");
            Assert.Contains(option, run.Error);
            Assert.Equal("", run.Output);
            Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    // What the command needs beside the option, so that nothing but the number can be wrong with it.
    private string[] Arguments(string command)
    {
        Command found = Commands.All().First(pair => pair.Path == command).Command;
        return
        [
            .. found.Arguments.Where(argument => argument.Arity.MinimumNumberOfValues > 0)
                .Select(argument => argument.Name == "subject" ? "mle" : "none"),
            .. found.Options.Where(option => option.Required).SelectMany(option => (string[])[option.Name, _folder["none"]]),
        ];
    }

    private static bool IsNumeric(Option option) =>
        _numeric.Contains(Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType) || option.HelpName is "number" or "list";
}
