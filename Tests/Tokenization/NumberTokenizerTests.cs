using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Tokenization;

public sealed class NumberTokenizerTests
{
    private static readonly TokenizerOptions _options = new() { Kind = TokenizerKind.Number, Numbers = 12 };

    [Fact]
    public void An_id_is_the_number_and_all_else_is_unknown()
    {
        using var folder = new TemporaryFolder();
        TextTokenizer trained = TextTokenizer.Train(["7 7 7"], _options);
        trained.Save(folder.Path);
        foreach (TextTokenizer tokenizer in (TextTokenizer[])[trained, TextTokenizer.Load(folder.Path)])
        {
            Assert.Equal(16, tokenizer.Vocabulary.Count);
            Assert.Equal([0, 11, 5, 5], tokenizer.Encode("0 11  5 5"));
            Assert.Equal("0 11 5 5", tokenizer.Decode([0, 11, 5, 5]));
            int unknown = tokenizer.UnknownId;
            Assert.Equal([unknown, unknown, unknown, unknown, unknown], tokenizer.Encode("12 -1 05 1.5 x"));
            Assert.True(tokenizer.Vocabulary.HasSpecialTokensLast);
        }

        Assert.False(TextTokenizer.Train(["7"], new TokenizerOptions()).Vocabulary.HasSpecialTokensLast);
    }
}
