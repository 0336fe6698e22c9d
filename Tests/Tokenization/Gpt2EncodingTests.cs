using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Microsoft.ML.Tokenizers;
using Xunit;

namespace GumbelGan.Tests.Tokenization;

public sealed class Gpt2EncodingTests
{
    private static readonly TextTokenizer _tokenizer = TextTokenizer.Train([], new TokenizerOptions { Kind = TokenizerKind.Gpt2 });

    // Tiktoken's algorithm on the same ranks: it never sees our merges or our cuts.
    private static readonly TiktokenTokenizer _peer = TiktokenTokenizer.CreateForModel("gpt-2");

    /// <summary>Ids as published with GPT-2's encoder and in the documentation of Hugging Face (written from memory, and the peer agrees).</summary>
    [Theory]
    [InlineData("Hello world", "15496,995")]
    [InlineData(" Hello world", "18435,995")]
    [InlineData("Hello, my dog is cute", "15496,11,616,3290,318,13779")]
    [InlineData("This is a test.", "1212,318,257,1332,13")]
    public void Ids_are_the_published_ones(string text, string ids)
    {
        Assert.Equal(ids, string.Join(',', _tokenizer.Encode(text)));
        Assert.Equal(text, _tokenizer.Decode(_tokenizer.Encode(text)));
    }

    [Theory]
    [InlineData("a man isn't riding the horses")]
    [InlineData("一个女人在街上")]
    [InlineData("мужчина и женщина")]
    [InlineData("👩‍🚀👍🏽 ok")]
    [InlineData("cafe\u0301 été")]
    [InlineData("one\r\ntwo\n\nthree \n four")]
    [InlineData("  x   y\u00a0z ")]
    [InlineData("<end token><padding token>")]
    [InlineData("20255 '´ 's'S")]
    [InlineData("\u0085\u2028 tail\t")]
    [InlineData("antidisestablishmentarianism SolidGoldMagikarp 0123456789 ....... !!!!")]
    public void Ids_are_those_of_Tiktoken(string text)
    {
        Assert.Equal(_peer.EncodeToIds(text), _tokenizer.Encode(text));
        Assert.Equal(text, _tokenizer.Decode(_tokenizer.Encode(text)));
    }

    /// <summary>
    /// A .NET regular expression takes half a character beyond U+FFFF for a symbol and cuts where GPT-2 does not; the pieces' bytes are the same.
    /// </summary>
    [Fact]
    public void Letters_beyond_the_basic_plane_come_back_too()
    {
        const string Text = "𠀀漢 𝒳=𝟙";
        Assert.Equal(Text, _tokenizer.Decode(_tokenizer.Encode(Text)));
    }

    [Fact]
    public void The_end_is_GPT2s_own_and_what_it_lacks_stands_behind()
    {
        Assert.Equal((50256, 50257, 50258, 50259, 50260),
            (_tokenizer.EndId, _tokenizer.PaddingId, _tokenizer.BeginId, _tokenizer.UnknownId, _tokenizer.Vocabulary.Count));
        Assert.Equal("Hello", _tokenizer.Decode([50258, 15496, 50256, 50257, 995]));
        // Written out in a corpus it is text like any other (the ids of GPT-2's own encode, from memory).
        Assert.Equal([27, 91, 437, 1659, 5239, 91, 29], _tokenizer.Encode("<|endoftext|>"));
    }

    [Fact]
    public void Its_folder_holds_GPT2s_files_and_reads_back_the_same()
    {
        using var folder = new TemporaryFolder();
        _tokenizer.Save(folder.Path);
        // The first merges of the published merges.txt.
        Assert.Equal(["Ġ t", "Ġ a", "h e", "i n", "r e"], File.ReadLines(folder["merges.txt"]).Skip(1).Take(5));
        Assert.Equal(50_000, File.ReadLines(folder["merges.txt"]).Count() - 1);
        TextTokenizer loaded = TextTokenizer.Load(folder.Path);
        Assert.Equal((_tokenizer.VocabularySha256, _tokenizer.EndId), (loaded.VocabularySha256, loaded.EndId));
        Assert.Equal(_tokenizer.Encode("a plate of broccoli"), loaded.Encode("a plate of broccoli"));
    }
}
