using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Randomness;

public sealed class PhiloxTests
{
    /// <summary>The known-answer vectors published with Random123 (kat_vectors, philox4x32-10).</summary>
    [Theory]
    [InlineData(0x0000000000000000UL, 0x0000000000000000UL, 0x0000000000000000UL, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffffffffffUL, 0xffffffffffffffffUL, 0xffffffffffffffffUL, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x299f31d0a4093822UL, 0x85a308d3243f6a88UL, 0x0370734413198a2eUL, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Philox_gives_the_published_known_answers(ulong key, ulong low, ulong high, uint a, uint b, uint c, uint d)
    {
        Assert.Equal(new Philox.Block(a, b, c, d), Philox.Generate(key, low, high));
    }

    [Fact]
    public void A_stream_continued_from_its_position_equals_the_undisturbed_stream()
    {
        var key = new RandomKey(7).Derive("data order");
        var whole = new RandomStream(key);
        uint[] words = [.. Enumerable.Range(0, 23).Select(_ => whole.NextUInt32())];
        for (int cut = 0; cut < words.Length; cut++)
        {
            var tail = new RandomStream(key, (ulong)cut);
            Assert.Equal(words[cut..], Enumerable.Range(cut, words.Length - cut).Select(_ => tail.NextUInt32()));
        }
    }
}
