using GumbelGan.Cli;
using Xunit;

namespace GumbelGan.Tests.Cli;

/// <summary>What a shell is told when the user presses the tabulator.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("gumbelgan ", "train sample compare corpus doctor")]
    [InlineData("gumbelgan tr", "train")]
    [InlineData("gumbelgan corpus ", "build info")]
    [InlineData("gumbelgan train --re", "--recipe --resume")]
    [InlineData("gumbelgan train --recipe ", "captions oracle")]
    [InlineData("gumbelgan train --recipe cap", "captions")]
    [InlineData("gumbelgan train --objective ", "mle gumbel reinforce")]
    [InlineData("gumbelgan train --set generator.hid", "generator.hidden=")]
    [InlineData("gumbelgan train --set discriminator.kind=", "discriminator.kind=lstm discriminator.kind=cnn")]
    [InlineData("gumbelgan tokenizer train x --kind ", "word char bpe")]
    [InlineData("gumbelgan bench ", "iteration mle sample reinforce")]
    [InlineData("gumbelgan bench mle --discriminator ", "lstm cnn")]
    [InlineData("gumbelgan metrics --unit c", "character")]
    public void Commands_options_kinds_recipes_and_keys_are_completed(string line, string expected)
    {
        ProgramRun run = ProgramRun.Of(FormattableString.Invariant($"[suggest:{line.Length}]"), line);
        Assert.Equal((ExitCode.Done, ""), (run.ExitCode, run.Error));
        string[] words = run.Output.TrimEnd('\n').Split('\n');
        Assert.Superset(expected.Split(' ').ToHashSet(), words.ToHashSet());
        string begun = line.Split(' ')[^1];
        Assert.All(words, word => Assert.StartsWith(begun, word));
    }

    [Fact]
    public void A_position_in_the_middle_of_the_line_is_completed_there()
    {
        Assert.Equal("train\n", ProgramRun.Of("[suggest:12]", "gumbelgan tr --recipe captions").Output);
    }
}
