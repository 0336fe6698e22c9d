using System.Text;
using FsCheck;
using FsCheck.Fluent;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Tokenization;

public sealed class VocabularyTests
{
    [Fact]
    public void The_special_tokens_have_the_ids_zero_to_three()
    {
        var vocabulary = Vocabulary.FromTokens(["a"]);
        Assert.Equal((0, 1, 2, 3, 5), (vocabulary.PaddingId, vocabulary.BeginId, vocabulary.EndId, vocabulary.UnknownId, vocabulary.Count));
        Assert.True(vocabulary.TryGetId("a", out int id));
        Assert.Equal(4, id);
    }

    [Fact]
    public void Frequent_tokens_come_first_and_rare_ones_are_left_out()
    {
        var counts = new Dictionary<string, long> { ["rare"] = 1, ["b"] = 3, ["a"] = 3, ["often"] = 7 };
        Assert.Equal(["often", "a", "b"],
            Vocabulary.FromCounts(counts, minimumCount: 2, maximumVocabulary: 0).Ids.OrderBy(pair => pair.Value).Skip(4).Select(pair => pair.Key));
        Assert.Equal(6, Vocabulary.FromCounts(counts, minimumCount: 1, maximumVocabulary: 6).Count);
    }

    [Fact]
    public void A_vocabulary_made_elsewhere_keeps_its_ids_and_gets_special_tokens_behind_them()
    {
        var vocabulary = new Vocabulary([KeyValuePair.Create("a", 0), KeyValuePair.Create("b", 5)]);
        Assert.Equal((6, 7, 8, 9, 10), (vocabulary.PaddingId, vocabulary.BeginId, vocabulary.EndId, vocabulary.UnknownId, vocabulary.Count));
        Assert.Equal(("a", "b", Vocabulary.UnknownToken), (vocabulary[0], vocabulary[5], vocabulary[3]));
    }

    [Fact]
    public void No_text_encodes_to_a_special_token_of_any_tokenizer()
    {
        string spellings = string.Join(' ', Vocabulary.SpecialTokens) + string.Concat(Vocabulary.SpecialTokens) + "<byte 0A>";
        TextTokenizer[] tokenizers =
        [
            TextTokenizer.Train([spellings], new TokenizerOptions { SplitPunctuation = true }),
            TextTokenizer.Train([spellings], new TokenizerOptions { SplitPunctuation = false }),
            TextTokenizer.Train([spellings], new TokenizerOptions { Kind = TokenizerKind.Char }),
            TextTokenizer.Train([spellings], new TokenizerOptions { Kind = TokenizerKind.Char, ByteFallback = true }),
            TextTokenizer.Train(Enumerable.Repeat(spellings, 5), new TokenizerOptions { Kind = TokenizerKind.Bpe }),
        ];
        string[] pieces = [.. Vocabulary.SpecialTokens, "<pad", "ding token>", " ", "\t", "\u00a0", "<", ">", "token", "x"];
        Gen<string> texts = Gen.Elements(pieces).ListOf().Select(list => string.Concat(list));
        Prop.ForAll(texts.ToArbitrary(), text => tokenizers.All(tokenizer =>
            tokenizer.Encode(text).All(id => id == tokenizer.UnknownId || !tokenizer.Vocabulary.IsSpecial(id))
            && tokenizer.EncodeToTokens(text, out _, considerPreTokenization: false)
                .All(token => token.Id == tokenizer.UnknownId || !tokenizer.Vocabulary.IsSpecial(token.Id))))
            .QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("[1, 2]", "must be a JSON map")]
    [InlineData("{\"a\": 0", "not valid JSON")]
    [InlineData("{\"a\": \"0\"}", "no whole-number id")]
    [InlineData("{\"a\": 0.5}", "no whole-number id")]
    [InlineData("{\"a\": 99999999999}", "no whole-number id")]
    [InlineData("{\"a\": -1}", "the id -1")]
    [InlineData("{\"a\": 2000000000}", "ids run from 0")]
    [InlineData("{\"a\": 4, \"b\": 4}", "the same id 4")]
    [InlineData("{\"a\": 4, \"a\": 5}", "twice")]
    [InlineData("{\"a\": 4} {}", "not valid JSON")]
    [InlineData("{\"\\ud800\": 4}", "not valid JSON")]
    [InlineData("", "not valid JSON")]
    [InlineData("null", "must be a JSON map")]
    public void A_malformed_vocabulary_file_is_refused_in_one_sentence(string json, string says)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["vocab.json"], json);
        UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => Vocabulary.Load(folder["vocab.json"]));
        Assert.Contains(says, mistake.Message);
        Assert.DoesNotContain('\n', mistake.Message);
    }

    [Theory]
    [InlineData("/dev/zero")]
    [InlineData("/dev")]
    [InlineData("/nonexistent/vocab.json")]
    public void What_is_no_file_is_refused_as_a_vocabulary(string path) => Assert.Throws<UserMistakeException>(() => Vocabulary.Load(path));

    [Fact]
    public void A_vocabulary_of_any_spellings_survives_its_file()
    {
        using var folder = new TemporaryFolder();
        string[] tokens = ["\"", "\\", "\n", "\u0000", "漢", "👍🏽", "é", "</script>", "\u2028", "+"];
        File.WriteAllBytes(folder["vocab.json"], Vocabulary.FromTokens(tokens).ToJson());
        Assert.Equal(Vocabulary.SpecialTokens.Concat(tokens),
            Vocabulary.Load(folder["vocab.json"]).Ids.OrderBy(pair => pair.Value).Select(pair => pair.Key));
        Assert.Contains("漢", Encoding.UTF8.GetString(Vocabulary.FromTokens(tokens).ToJson()));
    }
}
