using GumbelGan.Training.Recording;
using Xunit;

namespace GumbelGan.Tests.Training.Recording;

/// <summary>Text that TensorBoard's Markdown must leave as it is.</summary>
public sealed class VerbatimTextTests
{
    [Theory]
    [InlineData("__init__ &lt;tag&gt; ![i](u) `code` | a | b |\n# no heading\n- no list\n1. no list either\n<b>x</b>", "```")]
    [InlineData("```\nno end\n```", "````")]
    [InlineData("a ````` b", "``````")]
    [InlineData("", "```")]
    public void A_block_holds_the_text_as_it_is_between_fences_longer_than_any_within(string text, string fence)
    {
        Assert.Equal($"{fence}\n{text}\n{fence}\n", VerbatimText.Block(text));
        Assert.Equal($"{fence}yaml\n{text}\n{fence}\n", VerbatimText.Block(text + "\n", "yaml"));
    }

    [Fact]
    public void Control_characters_are_written_out() => Assert.Equal("```\na\\u0000\\u0002\\u000Db\n```\n", VerbatimText.Block("a\0\u0002\rb"));
}
