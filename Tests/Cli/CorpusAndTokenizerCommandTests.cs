using System.Text.Json;
using GumbelGan.Cli;
using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class CorpusAndTokenizerCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_corpus_built_twice_with_one_seed_is_the_same_and_another_seed_gives_another()
    {
        string grammar = WriteGrammar();
        Assert.Equal(0, ProgramRun.Of("corpus", "build", grammar, "--count", "50", "--seed", "7", "--output", _folder["a"]).ExitCode);
        Assert.Equal(0, ProgramRun.Of("corpus", "build", grammar, "--count", "50", "--seed", "7", "--output", _folder["b"]).ExitCode);
        Assert.Equal(0, ProgramRun.Of("corpus", "build", grammar, "--count", "50", "--seed", "8", "--output", _folder["c"]).ExitCode);
        Assert.Equal(File.ReadAllBytes(_folder["a"]), File.ReadAllBytes(_folder["b"]));
        Assert.NotEqual(File.ReadAllBytes(_folder["a"]), File.ReadAllBytes(_folder["c"]));
        var source = Grammar.Load(grammar);
        Assert.All(File.ReadAllLines(_folder["a"]), line => Assert.True(double.IsFinite(source.LogProbability(line))));
    }

    [Fact]
    public void Info_accounts_for_every_line_as_a_table_and_as_one_json_document()
    {
        File.WriteAllText(_folder["corpus.txt"], "a b\nb c\n\na b\n" + string.Concat(Enumerable.Repeat("x ", 60)) + "\n");
        string[] arguments = ["corpus", "info", _folder["corpus.txt"], "--validation-fraction", "0", "--test-fraction", "0"];
        ProgramRun table = ProgramRun.Of(arguments);
        Assert.Equal((0, ""), (table.ExitCode, table.Error));
        Assert.Matches("dropped: too long +1\n", table.Output);
        ProgramRun json = ProgramRun.Of([.. arguments, "--json"]);
        using var document = JsonDocument.Parse(json.Output);
        JsonElement report = document.RootElement.GetProperty("report");
        Assert.Equal((5, 1, 1, 1, 7),
            (Number("lines"), Number("empty_lines"), Number("too_long_lines"), Number("duplicate_lines"), Number("vocabulary")));
        Assert.Equal(6, report.GetProperty("train").GetProperty("tokens").GetInt64());
        Assert.Equal([0, 0, 3], report.GetProperty("length_histogram").EnumerateArray().Select(value => value.GetInt64()));

        long Number(string name) => report.GetProperty(name).GetInt64();
    }

    [Fact]
    public void Verification_refuses_a_file_that_only_has_the_name_of_a_known_one()
    {
        File.WriteAllText(_folder["image_coco.txt"], "a b\nb c\n");
        File.WriteAllText(_folder["mine.txt"], "a b\nb c\n");
        ProgramRun named = ProgramRun.Of("corpus", "info", _folder["image_coco.txt"], "--verify", "--validation-fraction", "0");
        Assert.Equal((ExitCode.UserMistake, ""), (named.ExitCode, named.Output));
        Assert.Contains("2c0fd1f0f43aac6a9dc3926a535516ccf395de535e15ac1fd17cd569420736f5", named.Error);
        Assert.Contains("No checksum is known", ProgramRun.Of("corpus", "info", _folder["mine.txt"], "--verify", "--validation-fraction", "0").Error);
    }

    [Fact]
    public void Every_known_corpus_stands_in_the_documentation_with_its_size_and_hash()
    {
        string readme = File.ReadAllText(Path.Combine(SourceTree.Root, "corpora", "README.md"));
        Assert.All(KnownCorpus.All, corpus => Assert.Matches($"`{corpus.Name}`.*{corpus.Bytes}.*{corpus.Sha256}", readme));
    }

    [Fact]
    public void The_COCO_files_that_lie_beside_the_project_are_the_known_ones()
    {
        string folder = Path.Combine(SourceTree.Root, "..", "shared", "corpora");
        Assert.SkipUnless(File.Exists(Path.Combine(folder, "image_coco.txt")), "no ../shared/corpora here");
        Assert.All((string[])["image_coco.txt", "image_coco_test.txt"],
            name => Assert.Equal(0, ProgramRun.Of("corpus", "info", Path.Combine(folder, name), "--verify").ExitCode));
    }

    [Theory]
    [InlineData("word")]
    [InlineData("char")]
    [InlineData("bpe")]
    public void A_trained_tokenizer_encodes_and_decodes_a_file(string kind)
    {
        const string Text = "a man, a plan\n\na plan\n";
        File.WriteAllText(_folder["text.txt"], Text);
        ProgramRun trained = ProgramRun.Of("tokenizer", "train", _folder["text.txt"], "--kind", kind, "--output", _folder["tokenizer"]);
        Assert.Equal((0, ""), (trained.ExitCode, trained.Error));
        Assert.Equal(0, ProgramRun.Of("tokenizer", "encode", _folder["tokenizer"], _folder["text.txt"], "--output", _folder["ids"]).ExitCode);
        ProgramRun encoded = ProgramRun.Of("tokenizer", "encode", _folder["tokenizer"], _folder["text.txt"]);
        Assert.Equal(File.ReadAllText(_folder["ids"]), encoded.Output);
        Assert.Equal(Text, ProgramRun.Of("tokenizer", "decode", _folder["tokenizer"], _folder["ids"]).Output);
    }

    [Theory]
    [InlineData("corpus info FOLDER", "is a directory")]
    [InlineData("corpus info FOLDER/missing.txt", "does not exist")]
    [InlineData("corpus info FOLDER/latin.txt", "line 1: byte 1 of the file is not valid UTF-8")]
    [InlineData("corpus info FOLDER/text.txt --kind syllable", "--kind must be one of word, char, bpe, gpt2, number, not 'syllable'")]
    [InlineData("corpus info FOLDER/text.txt --maximum-tokens 0", "bounds must satisfy")]
    [InlineData("corpus info FOLDER/text.txt --test-fraction 1", "sum below 1")]
    [InlineData("corpus build FOLDER/text.txt --output FOLDER/out", "line 1, column 1")]
    [InlineData("corpus build FOLDER/good.grammar --count 0 --output FOLDER/out", "--count must be a whole number of at least 1, not '0'")]
    [InlineData("corpus build FOLDER/good.grammar --output FOLDER", "is a folder")]
    [InlineData("tokenizer train FOLDER/empty.txt --output FOLDER/out", "no text to learn from")]
    [InlineData("tokenizer train FOLDER/text.txt --minimum-count 0 --output FOLDER/out", "at least 1")]
    [InlineData("tokenizer train FOLDER/text.txt --kind bpe --merges -1 --output FOLDER/out", "at least 0")]
    [InlineData("tokenizer train FOLDER/text.txt --maximum-vocabulary 4 --output FOLDER/out", "exceed the 4 special tokens")]
    [InlineData("tokenizer encode FOLDER FOLDER/text.txt", "options.json does not exist")]
    [InlineData("tokenizer encode FOLDER/tokenizer FOLDER/latin.txt", "not valid UTF-8")]
    [InlineData("tokenizer decode FOLDER/tokenizer FOLDER/text.txt", "line 1: 'a' is no id of this tokenizer")]
    [InlineData("tokenizer decode FOLDER/tokenizer FOLDER/ids.txt", "line 2: '99' is no id of this tokenizer; ids run from 0 to 5")]
    public void A_mistake_gets_one_sentence_and_exit_code_two(string arguments, string says)
    {
        WriteGrammar();
        File.WriteAllText(_folder["text.txt"], "a b\na b\n");
        File.WriteAllText(_folder["empty.txt"], "");
        File.WriteAllText(_folder["ids.txt"], "4 5\n4 99\n");
        File.WriteAllBytes(_folder["latin.txt"], [0x61, 0xE9, 0x0A]);
        TextTokenizer.Train(["a b"], new TokenizerOptions()).Save(_folder["tokenizer"]);
        ProgramRun run =
            ProgramRun.Of([.. arguments.Split(' ').Select(argument => argument.Replace("FOLDER", _folder.Path, StringComparison.Ordinal))]);
        Assert.Equal(ExitCode.UserMistake, run.ExitCode);
        Assert.Contains(says, run.Error);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private string WriteGrammar()
    {
        File.WriteAllText(_folder["good.grammar"], "S -> \"a\" S | \"b\"");
        return _folder["good.grammar"];
    }
}
