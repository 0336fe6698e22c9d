using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Microsoft.ML.Tokenizers;
using Xunit;

namespace GumbelGan.Tests.Tokenization;

public sealed class TextTokenizerTests
{
    private static readonly TokenizerOptions _char = new() { Kind = TokenizerKind.Char };

    [Theory]
    [InlineData("a man's hat.", "a|man's|hat|.")]
    [InlineData("(x+y)*2.5", "(|x|+|y|)|*|2.5")]
    [InlineData("well-known  t-shirt -- wait...", "well-known|t-shirt|--|wait|...")]
    [InlineData("1,000 dogs,cats", "1,000|dogs|,|cats")]
    [InlineData("'quoted' \"word\"!?", "'|quoted|'|\"|word|\"|!|?")]
    [InlineData("don’t «là» 5€", "don’t|«|là|»|5|€")]
    [InlineData("漢字。👍🏽x", "漢字|。|👍🏽|x")]
    [InlineData("go👩‍🚀👨‍👩‍👧‍👦!", "go|👩‍🚀|👨‍👩‍👧‍👦|!")]
    [InlineData("I ❤️ it ❤️‍🔥", "I|❤️|it|❤️‍🔥")]
    [InlineData("🇩🇪🇫🇷x🇩", "🇩🇪|🇫🇷|x|🇩")]
    [InlineData("🏴\U000E0067\U000E0062\U000E007F.", "🏴\U000E0067\U000E0062\U000E007F|.")]
    [InlineData("1️⃣ #️⃣ *️⃣", "1️⃣|#️⃣|*️⃣")]
    [InlineData("cafe\u0301, !\u0301.. -\uFE0F-", "cafe\u0301|,|!\u0301|..|-\uFE0F|-")]
    [InlineData("\u0600 x", "\u0600|x")]
    [InlineData("a\u00a0b\u3000c\td\r\ne", "a|b|c|d|e")]
    [InlineData("x- -y a.b", "x|-|-|y|a|.|b")]
    [InlineData(" ", "")]
    public void Words_and_punctuation_are_cut_as_a_reader_would(string text, string expected)
    {
        var pieces = new WordPreTokenizer(splitPunctuation: true).PreTokenize(text).Select(piece => text.Substring(piece.Offset, piece.Length));
        Assert.Equal(expected, string.Join('|', pieces));
    }

    [Fact]
    public void Without_splitting_a_word_is_what_stands_between_white_space()
    {
        TextTokenizer tokenizer = TextTokenizer.Train(["a man, (tall)."], new TokenizerOptions { SplitPunctuation = false });
        Assert.Equal(7, tokenizer.Vocabulary.Count);
        Assert.Equal("a man, (tall).", tokenizer.Decode(tokenizer.Encode(" a  man,\t(tall). ")));
    }

    [Theory]
    [InlineData("a man, (a tall one) is here: \"it's 2.5 % ...\" ok!", "a man, (a tall one) is here: \" it's 2.5%... \" ok!")]
    [InlineData("x+x/x", "x + x / x")]
    public void Decoded_words_are_joined_as_a_writer_would(string text, string expected)
    {
        TextTokenizer tokenizer = TextTokenizer.Train([text], new TokenizerOptions());
        Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void Decoding_ends_at_the_end_token_skips_padding_and_begin_and_shows_unknown()
    {
        TextTokenizer tokenizer = TextTokenizer.Train(["b c"], new TokenizerOptions());
        Assert.Equal("c \uFFFD b", tokenizer.Decode([1, 0, 5, 3, 0, 4, 2, 5, 5]));
        Assert.Equal([3, 4], tokenizer.Encode("q b"));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([6]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([-1]));
    }

    [Fact]
    public void Lower_case_folds_the_vocabulary_and_the_text()
    {
        TextTokenizer tokenizer = TextTokenizer.Train(["A a É"], new TokenizerOptions { Lowercase = true });
        Assert.Equal(6, tokenizer.Vocabulary.Count);
        Assert.Equal("a é", tokenizer.Decode(tokenizer.Encode("A É")));
    }

    [Fact]
    public void A_word_tokenizer_saved_before_clusters_stayed_whole_encodes_as_it_did()
    {
        using var folder = new TemporaryFolder();
        TextTokenizer.Train(["👍 🏽 ok"], new TokenizerOptions { GraphemeClusters = false }).Save(folder.Path);
        string options = File.ReadAllText(folder["options.json"]);
        File.WriteAllText(folder["options.json"], options.Replace("  \"graphemeClusters\": false,\n", "", StringComparison.Ordinal));
        Assert.NotEqual(options, File.ReadAllText(folder["options.json"]));
        var old = TextTokenizer.Load(folder.Path);
        Assert.Equal("👍|🏽|ok", string.Join('|', old.Encode("👍🏽ok").Select(id => old.Vocabulary[id])));
    }

    [Fact]
    public void No_piece_ends_inside_what_a_reader_sees_as_one_character() =>
        Prop.ForAll(ValidStrings().ToArbitrary(), text =>
        {
            HashSet<int> borders = [.. System.Globalization.StringInfo.ParseCombiningCharacters(text), text.Length];
            return new WordPreTokenizer(splitPunctuation: true).PreTokenize(text).All(piece =>
                (borders.Contains(piece.Offset) || char.IsWhiteSpace(text[piece.Offset - 1]))
                    && (borders.Contains(piece.Offset + piece.Length) || char.IsWhiteSpace(text[piece.Offset + piece.Length])));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Characters_are_scalar_values_and_lossless_on_their_own_alphabet() =>
        Prop.ForAll(ValidStrings().ToArbitrary(), text =>
        {
            TextTokenizer tokenizer = TextTokenizer.Train([text], _char);
            int[] ids = tokenizer.Encode(text);
            return tokenizer.Decode(ids) == text && ids.Length == text.EnumerateRunes().Count();
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Characters_with_byte_fallback_are_lossless_on_every_text()
    {
        TextTokenizer tokenizer = TextTokenizer.Train(["hello é"], _char with { ByteFallback = true });
        Assert.Equal(4 + 6 + 256, tokenizer.Vocabulary.Count);
        Prop.ForAll(ValidStrings().ToArbitrary(), text => tokenizer.Decode(tokenizer.Encode(text)) == text).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Every_kind_of_tokenizer_survives_its_folder()
    {
        string[] lines = ["The man isn't here.", "漢字 é 👍🏽", "the the man man"];
        TokenizerOptions[] kinds =
        [
            new(),
            new() { Lowercase = true, SplitPunctuation = false, MinimumCount = 2, MaximumVocabulary = 6 },
            _char,
            _char with { ByteFallback = true, MinimumCount = 2 },
            new() { Kind = TokenizerKind.Bpe, Merges = 20 },
            new() { Kind = TokenizerKind.Bpe, Merges = 0, Lowercase = true },
        ];
        foreach (TokenizerOptions options in kinds)
        {
            using var folder = new TemporaryFolder();
            TextTokenizer tokenizer = TextTokenizer.Train(lines, options);
            tokenizer.Save(folder["tokenizer"]);
            TextTokenizer loaded = TextTokenizer.Load(folder["tokenizer"]);
            Assert.Equal(options, loaded.Options);
            Assert.Equal(tokenizer.VocabularySha256, loaded.VocabularySha256);
            Assert.All(lines, line => Assert.Equal(tokenizer.Encode(line), loaded.Encode(line)));
        }
    }

    [Theory]
    [InlineData("{\"kind\": \"sentence\"}")]
    [InlineData("{\"kind\": 1}")]
    [InlineData("{\"kind\": \"word\", \"colour\": 1}")]
    [InlineData("{\"minimumCount\": 0}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    public void Malformed_options_are_refused_in_one_sentence(string json)
    {
        using var folder = new TemporaryFolder();
        TextTokenizer.Train(["a"], new TokenizerOptions()).Save(folder.Path);
        File.WriteAllText(folder["options.json"], json);
        Assert.DoesNotContain('\n', Assert.Throws<UserMistakeException>(() => TextTokenizer.Load(folder.Path)).Message);
    }

    [Fact]
    public void A_folder_that_is_missing_or_cannot_be_written_is_refused()
    {
        Assert.Throws<UserMistakeException>(() => TextTokenizer.Load("/nonexistent"));
        TextTokenizer tokenizer = TextTokenizer.Train(["a"], new TokenizerOptions());
        Assert.Throws<UserMistakeException>(() => tokenizer.Save("/proc/nowhere"));
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["file"], "");
        Assert.Throws<UserMistakeException>(() => tokenizer.Save(folder["file"]));
    }

    /// <summary>What the abstract class of Microsoft.ML.Tokenizers promises, through each of our tokenizers.</summary>
    [Theory]
    [InlineData(TokenizerKind.Word)]
    [InlineData(TokenizerKind.Char)]
    [InlineData(TokenizerKind.Bpe)]
    public void The_contract_of_the_abstract_tokenizer_holds(TokenizerKind kind)
    {
        const string Text = "The mañana 👍🏽 THE end, é.";
        Tokenizer tokenizer = TextTokenizer.Train([Text, Text], new TokenizerOptions { Kind = kind, Merges = 6, Lowercase = true });
        int[] ids = [.. tokenizer.EncodeToIds(Text)];
        IReadOnlyList<EncodedToken> tokens = tokenizer.EncodeToTokens(Text, out string? normalized);
        Assert.Equal(Text.ToLowerInvariant(), normalized);
        Assert.Equal(ids, tokens.Select(token => token.Id));
        Assert.Equal(ids, tokenizer.EncodeToIds(Text.AsSpan()));
        Assert.Equal(ids.Length, tokenizer.CountTokens(Text));
        Assert.Equal(0, tokens[0].Offset.Start.Value);
        Assert.Equal(Text.Length, tokens[^1].Offset.End.Value);
        for (int limit = 1; limit <= ids.Length; limit++)
        {
            Assert.Equal(ids[..limit], tokenizer.EncodeToIds(Text, limit, out _, out int consumed));
            Assert.Equal(tokens[limit - 1].Offset.End.Value, consumed);
            Assert.Equal(consumed, tokenizer.GetIndexByTokenCount(Text, limit, out _, out int count));
            Assert.Equal(limit, count);
            int start = tokenizer.GetIndexByTokenCountFromEnd(Text, limit, out _, out count);
            Assert.Equal(limit, count);
            Assert.Equal(limit == ids.Length ? 0 : tokens[^limit].Offset.Start.Value, start);
        }

        string decoded = tokenizer.Decode(ids);
        for (int size = 0; size <= decoded.Length; size++)
        {
            char[] destination = new char[size];
            OperationStatus status = tokenizer.Decode(ids, destination, out int consumed, out int written);
            Assert.Equal(size == decoded.Length ? OperationStatus.Done : OperationStatus.DestinationTooSmall, status);
            Assert.Equal(decoded[..written], new string(destination, 0, written));
            Assert.Equal(decoded[..written], tokenizer.Decode(ids[..consumed]));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.EncodeToIds(Text, 0, out _, out _));
    }

    /// <summary>Strings of Unicode scalar values of one to four UTF-8 bytes; never an unpaired surrogate.</summary>
    internal static Gen<string> ValidStrings()
    {
        Gen<int> scalar = Gen.OneOf(Gen.Choose(0, 0x7F), Gen.Choose(0x80, 0x7FF), Gen.Choose(0x800, 0xD7FF), Gen.Choose(0xE000, 0xFFFF),
            Gen.Choose(0x10000, 0x10FFFF), Gen.Elements((int)' ', '\n', '\'', 's', 't', 0x301, 0x3000, 0x200D));
        return scalar.ListOf().Select(list => string.Concat(list.Select(value => new Rune(value).ToString())));
    }
}
