using GumbelGan.Cli;
using GumbelGan.Cli.Streams;
using GumbelGan.Tests.Storage;
using GumbelGan.Tests.Training;
using GumbelGan.Tokenization;
using Spectre.Console;
using Xunit;

namespace GumbelGan.Tests.Cli;

/// <summary>What commands print where results go to a terminal.</summary>
public sealed class TerminalTests : IDisposable
{
    private const string Evil = "a \u001B]0;title\u0007 b \u009B2J c";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(80)]
    public void Tables_fit(int width)
    {
        using var run = new TemporaryRun();
        string config = Path.Combine(run.Folder, "small.yaml");
        File.WriteAllText(config, GumbelGan.Training.Configuration.ConfigurationWriter.Write(run.Config("objective=mle", "adversarial.steps=4")));
        Assert.All(
            new string[][]
            {
                ["train", "--config", config, "--run", run.Run, "--quiet"],
                ["runs", run.Folder],
                ["doctor"],
                ["evaluate", run.Run, "--count", "20"],
                ["compare", run.Run],
                ["corpus", "info", run.Corpus],
                ["metrics", "--generated", run.Corpus, "--reference", run.Corpus],
                ["metrics", "--run", run.Run, "--count", "30", "--top-k", "3", "--reference", run.Corpus],
                ["score", run.Run, run.Corpus],
                ["gradients", "--vocab", "3", "--length", "2", "--embedding", "3", "--hidden", "3", "--draws", "2", "--samples", "64",
                    "--threads", "1"],
                ["bench", "mle", "--vocab", "12", "--batch", "3", "--length", "6", "--embedding", "4", "--hidden", "5", "--threads", "1",
                    "--repeats", "2"],
            },
            words =>
            {
                (int exitCode, string output, string error) = OnTerminal(width, words);
                Assert.True(exitCode == ExitCode.Done, error);
                Assert.All(output.Split('\n'), line => Assert.InRange(line.GetCellWidth(), 0, width));
            });
    }

    [Fact]
    public void Nothing_of_a_file_acts_on_a_terminal_and_a_pipe_gets_control_characters_as_their_pictures()
    {
        File.WriteAllText(_folder["corpus"], Evil + "\n");
        TextTokenizer.Train([Evil], new TokenizerOptions { Kind = TokenizerKind.Char }).Save(_folder["tokenizer"]);
        string[] decode = ["tokenizer", "decode", _folder["tokenizer"], _folder["ids"]];
        Assert.Equal(0, ProgramRun.Of("tokenizer", "encode", _folder["tokenizer"], _folder["corpus"], "--output", _folder["ids"]).ExitCode);
        Assert.Equal(SequenceLine.Of(Evil) + "\n", ProgramRun.Of(decode).Output);
        Assert.DoesNotContain(OnTerminal(80, decode).Output, character => char.IsControl(character) && character != '\n');
    }

    [Fact]
    public void A_name_of_a_file_in_an_error_is_harmless()
    {
        ProgramRun run = ProgramRun.Of("corpus", "info", _folder[Evil]);
        Assert.Equal(ExitCode.UserMistake, run.ExitCode);
        Assert.DoesNotContain(run.Error.TrimEnd('\n'), char.IsControl);
        Assert.Contains("a ?]0;title? b ?2J c", run.Error);
    }

    [Fact]
    public void The_name_of_a_run_is_harmless_in_the_list_of_runs()
    {
        Directory.CreateDirectory(_folder[Evil]);
        File.WriteAllText(Path.Combine(_folder[Evil], "config.yaml"), "seed: 1\n");
        Assert.DoesNotContain(OnTerminal(80, "runs", _folder.Path).Output.Replace("\n", "", StringComparison.Ordinal), char.IsControl);
    }

    private static (int ExitCode, string Output, string Error) OnTerminal(int width, params string[] words)
    {
        var output = new StringWriter { NewLine = "\n" };
        var error = new StringWriter { NewLine = "\n" };
        Surroundings terminal = Surroundings.Of(new HarmlessWriter(output), error, CancellationToken.None) with { TerminalWidth = width };
        int exitCode = GumbelGanProgram.Run(words, terminal);
        return (exitCode, output.ToString(), error.ToString());
    }
}
