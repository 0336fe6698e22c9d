using System.Globalization;
using System.Text;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Tokenization;

/// <summary>Damaged files of every format of this room end in a result or in one sentence for the user, never in anything else.</summary>
public sealed class TokenizationFuzzTests
{
    private static readonly byte[][] _dictionary =
    [
        .. ((string[])["\0", "\r\n", "\uFEFF", "\u001b[31m", "\"", "\\", "{", "}", "[", "]", ":", ",", "null", "1e999", "-1", "2147483647", "# ", "|",
            "->", "%maximum 1000", "%tilt 99", "%minimum", "S", "a", " ", "Ġ", "\\ud800", "\\u0000"])
            .Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
    ];

    private static readonly int _rounds =
        int.Parse(Environment.GetEnvironmentVariable("GUMBELGAN_FUZZ_ROUNDS") ?? "400", CultureInfo.InvariantCulture);

    [Fact]
    public void A_mutated_grammar_is_read_or_refused_and_nothing_else_happens()
    {
        using var folder = new TemporaryFolder();
        const string Source = "%join words # comment\n%maximum 12\n%tilt 1.5\nS -> A \"b c\" [0.5] | S A S\n   | \"d\\\"\" [2]\nA -> B | \"a\"\nB "
            + "-> \"x\" A \"y\" | \"z\"\n";
        Mutate("grammar", Encoding.UTF8.GetBytes(Source), bytes =>
        {
            File.WriteAllBytes(folder["g"], bytes);
            var grammar = Grammar.Load(folder["g"]);
            string sample = grammar.Sample(new RandomStream(new RandomKey(1)));
            Assert.True(double.IsFinite(grammar.LogProbability(sample)));
        });
    }

    [Theory]
    [InlineData("options.json")]
    [InlineData("vocab.json")]
    [InlineData("merges.txt")]
    public void A_mutated_tokenizer_is_read_or_refused_and_nothing_else_happens(string file)
    {
        using var folder = new TemporaryFolder();
        TextTokenizer.Train(["the man the men 漢字 the"], new TokenizerOptions { Kind = TokenizerKind.Bpe, Merges = 12 }).Save(folder.Path);
        Mutate(file, File.ReadAllBytes(folder[file]), bytes =>
        {
            File.WriteAllBytes(folder[file], bytes);
            TextTokenizer tokenizer = TextTokenizer.Load(folder.Path);
            Assert.NotNull(tokenizer.Decode(tokenizer.Encode("the men 漢")));
        });
    }

    [Fact]
    public void A_mutated_corpus_is_read_or_refused_and_nothing_else_happens()
    {
        using var folder = new TemporaryFolder();
        Mutate("corpus", Encoding.UTF8.GetBytes("a man\r\n\r\n漢字 é 👍🏽\na man\n  b c  \n"), bytes =>
        {
            File.WriteAllBytes(folder["c"], bytes);
            var corpus =
                EncodedCorpus.Inspect(folder["c"], new TokenizerOptions(), new CorpusOptions { ValidationFraction = 0.2, TestFraction = 0.2 });
            CorpusReport report = corpus.Report;
            Assert.Equal(report.Lines,
                report.EmptyLines + report.TooShortLines + report.TooLongLines + report.Train.Lines + report.Validation.Lines + report.Test.Lines);
        });
    }

    private static void Mutate(string name, byte[] original, Action<byte[]> read)
    {
        var key = new RandomKey(20261122).Derive(name);
        int accepted = 0;
        for (int round = 0; round < _rounds; round++)
        {
            try
            {
                read(Mutation.Of(original, _dictionary, new RandomStream(key.Derive((ulong)round))));
                accepted++;
            }
            catch (UserMistakeException mistake)
            {
                Assert.InRange(mistake.Message.Length, 10, 1000);
                Assert.DoesNotContain(mistake.Message, char.IsControl);
            }
            catch (Exception other) when (other is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"Round {round} of {name} ended with {other}");
            }
        }

        // Mutations that all fail at the first byte would prove nothing.
        Assert.InRange(accepted, 1, _rounds - 1);
    }
}
