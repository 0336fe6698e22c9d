using System.Text;
using FsCheck;
using FsCheck.Fluent;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using GumbelGan.Tests.Storage;
using GumbelGan.Tests.Training;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Tokenization;

public sealed class SequenceLineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a\nb\r\0c", "a␊b␍␀c")]
    [InlineData("\u001b[31m\u007f", "␛[31m␡")]
    [InlineData("␊ and ␦", "␦␊ and ␦␦")]
    [InlineData("tab\tC:\\new 漢字 👍🏽", "tab\tC:\\new 漢字 👍🏽")]
    public void Control_characters_are_pictures_and_pictures_are_marked(string text, string line)
    {
        Assert.Equal(line, SequenceLine.Of(text));
        Assert.Equal(text, SequenceLine.Text(line));
    }

    [Fact]
    public void Any_texts_are_as_many_lines_and_come_back_from_the_file()
    {
        Gen<string> letters = Gen.Elements("\n", "\r", "\0", "\t", "\v", "\u001b", "\u007f", "␊", "␀", "␦", "␉", "a", "é", "👍🏽", "")
            .ListOf().Select(string.Concat);
        Prop.ForAll(letters.NonEmptyListOf().ToArbitrary(), texts =>
        {
            File.WriteAllText(_folder["lines"], string.Concat(texts.Select(text => SequenceLine.Of(text) + "\n")), new UTF8Encoding(false));
            string[] read = [.. new CorpusReader(_folder["lines"], trim: false).ReadLines().Select(line => SequenceLine.Text(line.Text))];
            return read.SequenceEqual(texts, StringComparer.Ordinal);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_line_is_undone_to_some_text() =>
        Prop.ForAll(TextTokenizerTests.ValidStrings().ToArbitrary(), line => SequenceLine.Text(line) is not null).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("bpe")]
    [InlineData("char")]
    public void Decoded_byte_tokens_stay_on_their_line_and_encode_back(string kind)
    {
        File.WriteAllText(_folder["text"], "ab\n");
        Assert.Equal(0, ProgramRun.Of("tokenizer", "train", _folder["text"], "--kind", kind, "--byte-fallback", "--output", _folder["t"]).ExitCode);
        TextTokenizer tokenizer = TextTokenizer.Load(_folder["t"]);
        string[] texts = ["a\nb", "\r", "\0\n\n", "b␊"];
        File.WriteAllLines(_folder["ids"], texts.Select(text => string.Join(' ', tokenizer.Encode(text))));
        Assert.Equal(0, ProgramRun.Of("tokenizer", "decode", _folder["t"], _folder["ids"], "--output", _folder["decoded"]).ExitCode);
        Assert.Equal("a␊b\n␍\n␀␊␊\nb␦␊\n", File.ReadAllText(_folder["decoded"]));
        Assert.Equal(File.ReadAllText(_folder["ids"]),
            ProgramRun.Of("tokenizer", "encode", _folder["t"], _folder["decoded"], "--escaped").Output);
    }

    [Fact]
    public void A_run_with_byte_tokens_samples_as_many_lines_as_asked_for_and_metrics_counts_the_same()
    {
        using var run = new TemporaryRun(60);
        run.Train(run.Config("objective=mle", "tokenizer.kind=bpe", "tokenizer.merges=0", "pretraining.epochs=1"));
        Assert.Equal(0, ProgramRun.Of("sample", run.Run, "--count", "300", "--output", _folder["samples"]).ExitCode);
        string samples = File.ReadAllText(_folder["samples"]);
        Assert.Equal(300, samples.Count(letter => letter == '\n'));
        // An untrained model draws all bytes alike: were none of these among them, the test would show nothing.
        Assert.Contains("␊", samples, StringComparison.Ordinal);
        ProgramRun metrics = ProgramRun.Of("metrics", "--generated", _folder["samples"], "--reference", run.Corpus);
        Assert.Equal((0, ""), (metrics.ExitCode, metrics.Error));
        Assert.Contains("300 hypotheses", metrics.Output, StringComparison.Ordinal);
        Assert.All(Directory.GetFiles(Path.Combine(run.Run, "samples")),
            file => Assert.Equal(4, File.ReadAllText(file).Split('\n').Length - 1));
    }

    [Theory]
    [InlineData(new byte[] { 0x61, 0x0A, 0x62, 0xE6, 0xBC })]
    [InlineData(new byte[] { 0x61, 0x0A, 0x62, 0x00, 0x63 })]
    [InlineData(null)]
    public void Metrics_and_corpus_refuse_the_same_files_with_the_same_sentence(byte[]? content)
    {
        File.WriteAllBytes(_folder["bad"], content ?? Encoding.ASCII.GetBytes(new string('x', CorpusReader.MaximumLineBytes + 1)));
        File.WriteAllText(_folder["good"], "a\n");
        string sentence = Assert.Throws<UserMistakeException>(() => new CorpusReader(_folder["bad"]).ReadLines().Count()).Message;
        ProgramRun corpus = ProgramRun.Of("corpus", "info", _folder["bad"]);
        ProgramRun metrics = ProgramRun.Of("metrics", "--generated", _folder["bad"], "--reference", _folder["good"]);
        Assert.Contains(sentence, corpus.Error, StringComparison.Ordinal);
        Assert.Equal((corpus.ExitCode, corpus.Error), (metrics.ExitCode, metrics.Error));
    }

    [Fact]
    public void Lines_end_at_LF_alone_in_metrics_too()
    {
        File.WriteAllText(_folder["generated"], "a b\rc\r\na b\n");
        Assert.Contains("2 hypotheses",
            ProgramRun.Of("metrics", "--generated", _folder["generated"], "--reference", _folder["generated"]).Output, StringComparison.Ordinal);
    }
}
