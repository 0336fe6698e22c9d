using System.Text;
using GumbelGan.Cli;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests;

/// <summary>What the program says: whole sentences, short ones, and suggestions of something else than what was given.</summary>
public sealed class MessagesTests
{
    private const int Longest = 250, LengthOfAHole = 10;
    private const char Hole = '\u2026';
    private static readonly string[] _beginnings = ["new UserMistakeException(", "OnMessage("];

    [Fact]
    public void Every_message_in_the_source_ends_with_a_full_stop_and_is_short()
    {
        var sentences = Sources().SelectMany(source => Messages(source.Text).Select(message => (source.Path, message))).ToList();
        Assert.InRange(sentences.Count, 120, 1000);
        string[] wrong = [.. sentences
            .Where(sentence => !(sentence.message.EndsWith('.') || sentence.message.EndsWith(Hole)) || Length(sentence.message) > Longest)
            .Select(sentence => $"{sentence.Path}: {Length(sentence.message)}: {sentence.message}")];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void No_message_about_a_key_suggests_the_key_that_was_given()
    {
        foreach (ConfigurationKey key in ConfigurationReader.Keys<RunConfig>())
        {
            string leaf = key.Path[(key.Path.LastIndexOf('.') + 1)..];
            string[] yaml = [$"{key.Path}: {{}}", $"{key.Path} : 1", $"'{key.Path} ': 1", $"{key.Path}s: 1", $"{leaf}: 1", $"{leaf}.{leaf}: 1",
                $"{key.Path}.{leaf}: 1", $"generator:\n  {key.Path}: 1", $"{key.Path}\u200B: 1", $"x{key.Path[1..]}: 1"];
            foreach (string text in yaml)
            {
                CheckSuggestion(text, () => ConfigurationReader.Read<RunConfig>([new ConfigurationLayer("file", text)], []));
            }

            foreach (string path in (string[])[$"{key.Path}.x", $"{leaf}", $"{key.Path}s", $"{key.Path}\u200B", $"x.{key.Path}"])
            {
                CheckSuggestion(path, () => ConfigurationReader.Read<RunConfig>([], [new ConfigurationAssignment(path, "1", "--set")]));
            }
        }
    }

    [Fact]
    public void A_dotted_key_in_a_file_is_told_how_to_be_written() => Assert.Equal(
        "file, line 1, column 1: write 'generator.hidden' as a section, 'generator:' on a line of its own and 'hidden' indented below it.",
        Assert.Throws<UserMistakeException>(
            () => ConfigurationReader.Read<RunConfig>([new ConfigurationLayer("file", "generator.hidden: 32")], [])).Message);

    [Theory]
    [InlineData("trian")]
    [InlineData("train --sead 1")]
    [InlineData("train --recipe caption")]
    [InlineData("train --recipe captions --set generator.hiden=3")]
    [InlineData("sample")]
    [InlineData("sample nowhere")]
    [InlineData("sample nowhere --prefix a --top-k 0.5")]
    [InlineData("score")]
    [InlineData("score nowhere nothing.txt")]
    [InlineData("metrics --reference nowhere.txt")]
    [InlineData("metrics --reference nowhere.txt --run nowhere")]
    [InlineData("evaluate nowhere")]
    [InlineData("runs nowhere")]
    [InlineData("corpus")]
    [InlineData("train --resume nowhere")]
    [InlineData("train --resume nowhere --dry-run")]
    [InlineData("train --from nowhere --corpus nowhere.txt")]
    [InlineData("train")]
    [InlineData("train --corpus nowhere.txt")]
    [InlineData("train --extend adversarial.steps=3")]
    public void A_mistake_on_the_command_line_is_answered_in_one_short_sentence(string commandLine)
    {
        ProgramRun run = ProgramRun.Of(commandLine.Split(' '));
        Assert.Equal(ExitCode.UserMistake, run.ExitCode);
        Assert.EndsWith(".\n", run.Error, StringComparison.Ordinal);
        Assert.InRange(run.Error.Length, 10, Longest);
        CheckSuggestion(commandLine, () => throw new UserMistakeException(run.Error));
    }

    private static void CheckSuggestion(string given, Action action)
    {
        string message;
        try
        {
            action();
            return;
        }
        catch (UserMistakeException mistake)
        {
            message = mistake.Message;
        }

        string[] parts = message.Split("did you mean ", 2);
        if (parts.Length == 2)
        {
            string suggested = parts[1].Trim('\'', '?', '\n', '.').Split('\'', '?', ';')[0];
            Assert.DoesNotContain($"'{suggested}'", parts[0], StringComparison.Ordinal);
            Assert.NotEqual(given, suggested);
        }
    }

    private static IEnumerable<(string Path, string Text)> Sources() =>
        ((string[])["Cli", "Training", "Evaluation", "Generators", "Discriminators", "Tokenization", "Storage", "Engine"])
            .SelectMany(room => Directory.EnumerateFiles(Path.Combine(SourceTree.Root, room), "*.cs", SearchOption.AllDirectories))
            .Select(path => (Path.GetRelativePath(SourceTree.Root, path), File.ReadAllText(path)));

    private static int Length(string message) => message.Length + message.Count(letter => letter == Hole) * (LengthOfAHole - 1);

    private static IEnumerable<string> Messages(string source)
    {
        foreach (string beginning in _beginnings)
        {
            for (int at = source.IndexOf(beginning, StringComparison.Ordinal); at >= 0; at = source.IndexOf(beginning, at + 1,
                StringComparison.Ordinal))
            {
                foreach (string message in FirstArgument(source, at + beginning.Length))
                {
                    yield return message;
                }
            }
        }
    }

    // The literals of the first argument, joined, with a mark for each hole; what a condition chooses between are messages of their own.
    private static List<string> FirstArgument(string source, int at)
    {
        var messages = new List<string>();
        var text = new StringBuilder();
        for (int depth = 1; depth > 0; at++)
        {
            char letter = source[at];
            if (letter == '"')
            {
                bool interpolated = source[at - 1] == '$';
                for (at++; source[at] != '"'; at++)
                {
                    if (source[at] == '\\')
                    {
                        text.Append(source[++at]);
                    }
                    else if (interpolated && source[at] == '{' && source[at + 1] == '{')
                    {
                        text.Append(source[++at]);
                    }
                    else if (interpolated && source[at] == '{')
                    {
                        text.Append(Hole);
                        at = EndOfHole(source, at);
                    }
                    else
                    {
                        text.Append(source[at]);
                    }
                }

                continue;
            }

            depth += letter is '(' or '[' ? 1 : letter is ')' or ']' ? -1 : 0;
            bool isSeparator = depth == 1 && letter is ',' or ':';
            if (depth == 0 || (isSeparator && depth == 1))
            {
                if (text.Length > 0)
                {
                    messages.Add(text.ToString());
                }

                text.Clear();
                if (letter == ',')
                {
                    // "CultureInfo.InvariantCulture, text" goes on; the cause of an exception has no literals.
                    continue;
                }
            }
        }

        return messages;
    }

    private static int EndOfHole(string source, int at)
    {
        for (int depth = 0; ; at++)
        {
            if (source[at] == '"')
            {
                at = source.IndexOf('"', at + 1);
            }

            depth += source[at] == '{' ? 1 : source[at] == '}' ? -1 : 0;
            if (depth == 0)
            {
                return at;
            }
        }
    }
}
