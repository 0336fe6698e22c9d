using System.Text.Json;
using GumbelGan.Cli;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Tokenization;

public sealed class HeldOutFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_of_their_own_are_the_splits_and_overlap_is_counted_not_removed()
    {
        Write("corpus", "a b", "b c", "c d", "a  b", "", "d a");
        Write("validation", "b c", "x y", "c  d");
        Write("test", "a b", "x y", "d d d d", "e e");
        var options = new CorpusOptions { Validation = _folder["validation"], Test = _folder["test"], MaximumTokens = 3 };
        var corpus = EncodedCorpus.Read(_folder["corpus"], new TokenizerOptions(), options);
        Assert.Equal((5, 3, 3), (corpus.Train.Count, corpus.Validation.Count, corpus.Test.Count));
        // The vocabulary is the corpus's alone: a, b, c, d.
        Assert.Equal(4 + 4, corpus.Tokenizer.Vocabulary.Count);
        Assert.Equal(4, corpus.Report.Test.UnknownTokens);
        // "x y" and "e e" are both two unknown tokens.
        Assert.Equal(new SplitOverlap(2, 1, 2), corpus.Report.Overlap);
        Assert.Equal([(CorpusSplit.Validation, 3L, 0L), (CorpusSplit.Test, 4L, 1L)],
            corpus.Report.HeldOutFiles.Select(file => (file.Split, file.Lines, file.TooLongLines)));
        Assert.Contains("2 of 3 validation lines, 1 of 3 test lines; 2 test lines also stand in validation", corpus.Report.OverlapRemark,
            StringComparison.Ordinal);
    }

    [Fact]
    public void One_file_may_be_given_and_the_other_split_made()
    {
        Write("corpus", [.. Enumerable.Range(0, 400).Select(i => $"line {i}")]);
        Write("test", "line 3", "line x");
        var corpus = EncodedCorpus.Read(_folder["corpus"], new TokenizerOptions(), new CorpusOptions { Test = _folder["test"] });
        Assert.Equal(2, corpus.Test.Count);
        Assert.Equal(400, corpus.Train.Count + corpus.Validation.Count);
        // Validation is what the hashes below its fraction say: its own 5 %, not 5 % behind a test split that is not made.
        Assert.Equal(new CorpusReader(_folder["corpus"]).ReadLines().Count(line => (line.Hash >> 11) * Math.Pow(2, -53) < 0.05),
            corpus.Validation.Count);
    }

    [Fact]
    public void The_identity_of_the_text_is_of_all_files()
    {
        Write("corpus", "a b", "b c");
        Write("test", "a b");
        CorpusReport plain = Report(new CorpusOptions { ValidationFraction = 0, TestFraction = 0 });
        Assert.Equal(plain.Sha256, plain.Identity);
        var options = new CorpusOptions { ValidationFraction = 0, Test = _folder["test"] };
        string before = Report(options).Identity;
        Assert.NotEqual(plain.Identity, before);
        Write("test", "b c");
        Assert.NotEqual(before, Report(options).Identity);
        Assert.NotEqual(Report(options).Identity, Report(new CorpusOptions { TestFraction = 0, Validation = _folder["test"] }).Identity);

        CorpusReport Report(CorpusOptions given) => EncodedCorpus.Inspect(_folder["corpus"], new TokenizerOptions(), given).Report;
    }

    [Fact]
    public void Info_tells_the_files_and_their_overlap()
    {
        Write("corpus", "a b", "b c");
        Write("test", "a b", "c c");
        string[] arguments = ["corpus", "info", _folder["corpus"], "--test", _folder["test"], "--validation-fraction", "0"];
        ProgramRun table = ProgramRun.Of(arguments);
        Assert.Equal((0, ""), (table.ExitCode, table.Error));
        Assert.Matches("test lines in train +1 ", table.Output);
        using var document = JsonDocument.Parse(ProgramRun.Of([.. arguments, "--json"]).Output);
        JsonElement report = document.RootElement.GetProperty("report");
        Assert.Equal(1, report.GetProperty("overlap").GetProperty("test_in_train").GetInt64());
        Assert.Equal("test", report.GetProperty("held_out_files")[0].GetProperty("split").GetString());
        ProgramRun both = ProgramRun.Of([.. arguments, "--test-fraction", "0.2"]);
        Assert.Equal(ExitCode.UserMistake, both.ExitCode);
        Assert.Contains("give one of them", both.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("test", "", 0.05, 0.1, "give one of them")]
    [InlineData("", "test", 0.2, 0.05, "give one of them")]
    [InlineData("corpus", "", 0.05, 0.05, "is the corpus itself")]
    [InlineData("test", "test", 0.05, 0.05, "name two files")]
    [InlineData("missing", "", 0.05, 0.05, "does not exist")]
    [InlineData("long", "", 0.05, 0.05, "has no line of 1 to 40 tokens for test")]
    [InlineData("", "long", 0.05, 0.05, "has no line of 1 to 40 tokens for validation")]
    [InlineData("latin", "", 0.05, 0.05, "not valid UTF-8")]
    public void Contradictions_and_useless_files_are_told_in_one_sentence(string test, string validation, double validationFraction,
        double testFraction, string says)
    {
        Write("corpus", [.. Enumerable.Range(0, 400).Select(i => $"line {i}")]);
        Write("test", "line 3");
        Write("long", string.Concat(Enumerable.Repeat("x ", 50)));
        File.WriteAllBytes(_folder["latin"], [0x61, 0xE9, 0x0A]);
        var options = new CorpusOptions
        {
            Test = test.Length == 0 ? "" : _folder[test],
            Validation = validation.Length == 0 ? "" : _folder[validation],
            TestFraction = testFraction,
            ValidationFraction = validationFraction,
        };
        string message =
            Assert.Throws<UserMistakeException>(() => EncodedCorpus.Read(_folder["corpus"], new TokenizerOptions(), options)).Message;
        Assert.Contains(says, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    private void Write(string name, params string[] lines) => File.WriteAllText(_folder[name], string.Concat(lines.Select(line => line + "\n")));
}
