using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Tokenization;

public sealed class BytePairTokenizerTests
{
    private static readonly string[] _lines =
    [
        "a man riding a bicycle down the street", "the man isn't riding the bicycles, they're in the street",
        "a woman in a red shirt is riding a horse on the beach",
        "two dogs are running through the grass and the dogs don't stop",
        "一个男人在街上骑自行车", "一个女人在公园里骑自行车", "两只狗在公园里跑",
        "мужчина едет на велосипеде по улице",
        "женщина едет на лошади по пляжу", "l'été à la plage, l'école et le café",
        "👩‍🚀👍🏽👍🏽👩‍🚀", "2024 2025 12345 12344",
        "  two  spaces   and\ta tab",
    ];

    private static readonly TextTokenizer _tokenizer = TextTokenizer.Train(_lines, new TokenizerOptions { Kind = TokenizerKind.Bpe, Merges = 200 });

    /// <summary>Hugging Face tokenizers 0.23.2 (npm), its own trainer on the same lines, the first 200 merges joined by line feeds.</summary>
    [Fact]
    public void The_merges_learned_are_those_of_Hugging_Face()
    {
        IReadOnlyList<string> merges = Assert.IsType<BytePairTokenizer>(_tokenizer).Merges;
        Assert.Equal(["Ġ t", "Ð µ", "h e", "ð Ł", "Ġ Ð"], merges.Take(5));
        Assert.Equal("57c084ca972a7423aa55719b9ce704b947439b85ce73a193822419ba366c3724",
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', merges)))));
    }

    /// <summary>Ids from Hugging Face tokenizers 0.23.2 (npm) with our vocab.json and merges.txt.</summary>
    [Theory]
    [InlineData("a man isn't riding the horses", "68,333,336,81,303,301,265,420,386,372")]
    [InlineData("一个女人在街上", "343,395,394,327,302,455,236")]
    [InlineData("мужчина и женщина", "405,453,351,264,120,264,118,444,426")]
    [InlineData("👩‍🚀👍🏽 ok", "451,282,281,241,125,224,82,78")]
    [InlineData("cafe\u0301 été", "371,72,140,227,224,446")]
    [InlineData("one\r\ntwo\n\nthree \n four", "381,72,205,202,390,202,202,87,75,269,72,224,202,224,73,383,85")]
    [InlineData("  x   y\u00a0z ", "224,224,91,410,224,92,130,258,93,224")]
    [InlineData("<end token><padding token>", "31,72,315,260,82,78,72,81,33,31,83,68,71,285,260,82,78,72,81,33")]
    [InlineData("𠀀漢 𝒳=𝟙", "176,258,226,226,166,124,99,224,176,255,244,115,32,176,255,257,251")]
    [InlineData("20255 '´ 's'S", "306,24,24,224,10,130,116,224,10,86,10,54")]
    [InlineData("\u0085\u2028 tail\t", "130,231,162,226,105,260,68,76,79,201")]
    public void Ids_are_those_of_Hugging_Face(string text, string ids)
    {
        Assert.Equal(ids, string.Join(',', _tokenizer.Encode(text)));
        Assert.Equal(text, _tokenizer.Decode(_tokenizer.Encode(text)));
    }

    [Fact]
    public void Every_text_is_given_back_exactly() =>
        Prop.ForAll(TextTokenizerTests.ValidStrings().ToArbitrary(), text => _tokenizer.Decode(_tokenizer.Encode(text)) == text)
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Pieces_cover_the_text_without_gaps() =>
        Prop.ForAll(ArbMap.Default.ArbFor<string>().Filter(text => text is not null), text =>
        {
            int position = 0;
            return ByteLevelPreTokenizer.Instance.PreTokenize(text).All(piece =>
            {
                bool follows = piece.Offset == position && piece.Length > 0;
                position += piece.Length;
                return follows;
            }) && position == text.Length;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_long_piece_merges_as_its_definition_says()
    {
        // The definition, on lists: the lowest-ranked adjacent pair, leftmost first, until none is left. Long pieces take another path through the
        // encoder.
        IReadOnlyList<string> merges = ((BytePairTokenizer)_tokenizer).Merges;
        Dictionary<string, int> ranks = merges.Select((merge, rank) => (merge, rank)).ToDictionary(pair => pair.merge, pair => pair.rank);
        string piece = string.Concat(Enumerable.Range(0, 40).Select(i => "streetridingthebeachst"[(i % 9)..]));
        Assert.True(piece.Length > 400);
        List<string> symbols = [.. piece.Select(c => c.ToString())];
        while (true)
        {
            int best = Enumerable.Range(0, symbols.Count - 1).MinBy(i => ranks.GetValueOrDefault($"{symbols[i]} {symbols[i + 1]}", int.MaxValue));
            if (!ranks.ContainsKey($"{symbols[best]} {symbols[best + 1]}"))
            {
                break;
            }

            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }

        Assert.Equal(symbols.Select(symbol => _tokenizer.Vocabulary.Ids[symbol]), _tokenizer.Encode(piece));
    }

    [Fact]
    public void Files_in_the_style_of_GPT2_load_with_special_tokens_behind_their_ids()
    {
        using var folder = new TemporaryFolder();
        // GPT-2's order of bytes: printable ones first; its merges have a version line, and its vocabulary an added token.
        IEnumerable<char> letters = Enumerable.Range('!', 94)
            .Concat(Enumerable.Range(0xA1, 12)).Concat(Enumerable.Range(0xAE, 82)).Concat(Enumerable.Range(0x100, 68)).Select(code => (char)code);
        string[] tokens = [.. letters.Select(letter => letter.ToString()), "Ġt", "he", "<|endoftext|>"];
        Assert.Equal(259, tokens.Length);
        File.WriteAllText(folder["vocab.json"],
            "{" + string.Join(", ", tokens.Select((token, id) => $"{System.Text.Json.JsonSerializer.Serialize(token)}: {id}")) + "}");
        File.WriteAllText(folder["merges.txt"], "#version: 0.2\r\nĠ t\r\nh e\r\n");
        TextTokenizer tokenizer = TextTokenizer.Load(folder.Path);
        Assert.Equal((259, 260, 261, 262), (tokenizer.PaddingId, tokenizer.BeginId, tokenizer.EndId, tokenizer.UnknownId));
        Assert.Equal([256, 257], tokenizer.Encode(" the"));
        Assert.Equal("the<|endoftext|>", tokenizer.Decode([259, 260, 83, 257, 258, 261, 4]));
        Assert.DoesNotContain(258, tokenizer.Encode("<|endoftext|>"));
    }

    [Theory]
    [InlineData("a", "not two tokens")]
    [InlineData("a b c", "not two tokens")]
    [InlineData("a  b", "not two tokens")]
    [InlineData("a nowhere", "'nowhere' is not in")]
    [InlineData("z q", "'zq' is not in")]
    [InlineData("Ġ t\nĠ t", "line 3: the merge 'Ġ t' is listed a second time")]
    [InlineData("\u0000 b", "'<U+0000>' is not in")]
    public void Malformed_merges_are_refused_with_their_line(string merges, string says)
    {
        using var folder = new TemporaryFolder();
        _tokenizer.Save(folder.Path);
        File.WriteAllText(folder["merges.txt"], "#version: 0.2\n" + merges + "\n");
        UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => TextTokenizer.Load(folder.Path));
        Assert.Contains(says, mistake.Message);
        Assert.Contains("merges.txt, line ", mistake.Message);
    }

    [Fact]
    public void A_vocabulary_without_a_byte_and_merges_in_no_UTF8_are_refused()
    {
        using var folder = new TemporaryFolder();
        _tokenizer.Save(folder.Path);
        File.WriteAllBytes(folder["merges.txt"], [0x61, 0x20, 0xFF]);
        Assert.Contains("not valid UTF-8 at byte 2", Assert.Throws<UserMistakeException>(() => TextTokenizer.Load(folder.Path)).Message);
        File.WriteAllText(folder["vocab.json"], "{\"a\": 0}");
        Assert.Contains("needs a token for each of the 256 bytes",
            Assert.Throws<UserMistakeException>(() => TextTokenizer.Load(folder.Path)).Message);
    }

    [Fact]
    public void No_two_merges_spell_one_token_and_the_encoder_finds_what_the_trainer_merged() =>
        Prop.ForAll(Gen.Elements('a', 'b', ' ').ListOf().Select(letters => string.Concat(letters)).ToArbitrary(), text =>
        {
            var tokenizer = (BytePairTokenizer)TextTokenizer.Train([text], new TokenizerOptions { Kind = TokenizerKind.Bpe, Merges = 1000 });
            int distinct = tokenizer.Merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal)).Distinct().Count();
            // Merged until no pair was left, each piece has become one token.
            return distinct == tokenizer.Merges.Count && tokenizer.Encode(text).Length == ByteLevelPreTokenizer.Instance.PreTokenize(text).Count();
        }).QuickCheckThrowOnFailure();
}
