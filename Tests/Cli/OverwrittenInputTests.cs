using GumbelGan.Cli;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Cli;

/// <summary>No command writes over what it reads, by whatever name or link.</summary>
public sealed class OverwrittenInputTests : IDisposable
{
    // What writes a file or a folder; the walk below finds whether one is missing here.
    private static readonly (string Option, string[] CommandLines)[] _writers =
    [
        ("corpus build --output", ["corpus build IN.grammar --output TARGET"]),
        ("tokenizer train --output",
            ["tokenizer train TOKENIZER/vocab.json --output TOKENIZER", "tokenizer train TOKENIZER/options.json --output TOKENIZER"]),
        ("tokenizer encode --output",
            ["tokenizer encode TOKENIZER IN.txt --output TARGET", "tokenizer encode TOKENIZER IN.txt --output TOKENIZER/vocab.json"]),
        ("tokenizer decode --output",
            ["tokenizer decode TOKENIZER IN.txt --output TARGET", "tokenizer decode TOKENIZER IN.txt --output TOKENIZER/options.json"]),
        ("sample --output", ["sample RUN --output RUN/config.yaml", "sample RUN --output RUN/checkpoints/latest"]),
        ("compare --report", ["compare RUN --report RUN/config.yaml"]),
        ("train --run", ["train --config IN.yaml --run RUN", "train --config RUN/config.yaml --run RUN", "train --corpus IN.txt --run TARGET"]),
        // Runs are begun in it, and none is written over.
        ("sweep --output", []),
        ("sweep --page", ["sweep IN.yaml --best nll/validation --against seed --page IN.yaml",
            "sweep IN.yaml --best nll/validation --against seed --beside IN.txt --page IN.txt"]),
        ("evaluate", ["evaluate RUN --grammar RUN/evaluation.json"]),
        // It is read.
        ("metrics --run", []),
        // What it reads is a run; a page in its place is refused as any folder is.
        ("gradients --run", []),
        ("gradients --report", []),
        // The primer reads nothing.
        ("primer --output", []),
        ("primer --markdown", []),
    ];

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("sample", "nowhere", "--output", "")]
    [InlineData("corpus", "build", "nowhere", "--output", "")]
    [InlineData("tokenizer", "train", "nowhere", "--output", "")]
    [InlineData("compare", "nowhere", "--report", "")]
    [InlineData("gradients", "--report", "")]
    [InlineData("primer", "--output", "")]
    [InlineData("train", "--corpus", "nowhere", "--run", "")]
    public void A_name_of_nothing_is_refused_before_anything_is_done(params string[] words)
    {
        ProgramRun run = ProgramRun.Of(words);
        Assert.Equal((ExitCode.UserMistake, $"The name that {words[^2]} gives is empty; name a file or a folder.\n"), (run.ExitCode, run.Error));
    }

    [Fact]
    public void Two_outputs_of_one_name_are_refused()
    {
        ProgramRun run = ProgramRun.Of("primer", "--only", "gumbel", "--output", _folder["page"], "--markdown", _folder["page"]);
        Assert.Equal((ExitCode.UserMistake, $"--output and --markdown name one file, {_folder["page"]}; name two.\n"), (run.ExitCode, run.Error));
        Assert.False(File.Exists(_folder["page"]));
    }

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string> CommandLines() =>
        [.. from writer in _writers from line in writer.CommandLines from way in Ways(line) select new TheoryDataRow<string, string>(line, way)];

    [Fact]
    public void Every_option_that_names_something_to_write_is_in_the_table()
    {
        string[] found = [.. from pair in Commands.All() from option in pair.Command.Options
            where option.Name is "--output" or "--report" or "--run" or "--markdown" or "--page" select $"{pair.Path} {option.Name}"];
        Assert.Empty(found.Except(_writers.Select(writer => writer.Option)));
    }

    [Theory]
    [MemberData(nameof(CommandLines))]
    public void An_output_that_is_an_input_is_refused_and_nothing_is_changed(string commandLine, string way)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights there.");
        File.WriteAllText(_folder["in.grammar"], "S -> \"a\" S | \"b\"");
        File.WriteAllText(_folder["in.txt"], "4 5\n");
        File.WriteAllText(_folder["in.yaml"], "seed: 1\n");
        TextTokenizer.Train(["a b"], new TokenizerOptions()).Save(_folder["tokenizer"]);
        string run = Directory.CreateDirectory(_folder["run"]).FullName,
            checkpoints = Directory.CreateDirectory(Path.Combine(run, "checkpoints")).FullName;
        File.WriteAllText(Path.Combine(run, "config.yaml"), "seed: 1\n");
        File.WriteAllText(Path.Combine(run, "evaluation.json"), "{}\n");
        File.WriteAllText(Path.Combine(checkpoints, "latest"), "000001\n");

        string input = _folder[commandLine.Contains("IN.grammar", StringComparison.Ordinal) ? "in.grammar" : "in.txt"], target = _folder["target"];
        switch (way)
        {
            case "the same path":
                target = input;
                break;
            case "a roundabout path":
                target = Path.Combine(_folder["tokenizer"], "..", Path.GetFileName(input));
                break;
            case "a symbolic link":
                File.CreateSymbolicLink(target, input);
                break;
            case "a folder that is a link":
                Directory.CreateSymbolicLink(_folder["elsewhere"], _folder.Path);
                target = Path.Combine(_folder["elsewhere"], Path.GetFileName(input));
                break;
            default:
                Assert.Equal(0, HardLink.Create(input, target));
                break;
        }

        Dictionary<string, string> before = Contents();
        ProgramRun result = ProgramRun.Of([.. commandLine.Split(' ').Select(word => word.Replace("TARGET", target, StringComparison.Ordinal)
            .Replace("IN.", _folder["in."], StringComparison.Ordinal).Replace("TOKENIZER", _folder["tokenizer"], StringComparison.Ordinal)
            .Replace("RUN", _folder["run"], StringComparison.Ordinal))]);
        Assert.True(result.ExitCode == ExitCode.UserMistake, result.ToString());
        Assert.Contains(commandLine.StartsWith("train", StringComparison.Ordinal) ? "" : "would be written over", result.Error);
        Assert.Equal(before, Contents());
    }

    [Fact]
    public void Another_file_in_the_folder_of_an_input_may_be_written()
    {
        File.WriteAllText(_folder["a"], "");
        File.WriteAllText(_folder["b"], "");
        Assert.False(FileIdentity.WouldReplace(_folder["a"], _folder["b"]));
        Assert.False(FileIdentity.WouldReplace(_folder["new"], _folder["a"]));
        Assert.False(FileIdentity.WouldReplace(_folder["new"], _folder.Path));
        Assert.True(FileIdentity.WouldReplace(_folder["a"], _folder.Path));
        Assert.False(FileIdentity.WouldReplace("/dev/stdout", _folder["a"]));
    }

    private static string[] Ways(string line) =>
        line.Contains("TARGET", StringComparison.Ordinal) && !line.StartsWith("train", StringComparison.Ordinal)
        ? ["the same path", "a roundabout path", "a symbolic link", "a folder that is a link", "a hard link"] : ["the same path"];

    private Dictionary<string, string> Contents() => Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories)
        .Where(path => !path.Contains("elsewhere", StringComparison.Ordinal)).ToDictionary(path => path, File.ReadAllText);
}
