using GumbelGan.Discriminators;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Training.Configuration;

/// <summary>A section whose kind decides which options it has.</summary>
public sealed class KindSectionTests
{
    [Fact]
    public void The_kind_is_chosen_before_its_options_whatever_their_order_and_what_both_kinds_have_stays()
    {
        RunConfig config = Read("discriminator: { embedding: 7, filters: 9, kind: cnn }", "discriminator.hidden=11", "discriminator.kind=lstm",
            "discriminator.dropout=0.5");
        Assert.Equal(new LstmDiscriminatorOptions { Embedding = 7, Hidden = 11, Dropout = 0.5 }, config.Discriminator);
        Assert.Equal(7, Assert.IsType<CnnDiscriminatorOptions>(Read("discriminator: { filters: 9, embedding: 7 }").Discriminator).Embedding);
    }

    [Theory]
    [InlineData("discriminator: { kind: lstm, filters: 3 }", "file, line 1, column 30: 'discriminator.filters' belongs to another kind of "
        + "discriminator; leave it out, or choose the kind that has it with discriminator.kind.")]
    [InlineData("discriminator: { hidden: 3 }", "file, line 1, column 18: 'discriminator.hidden' belongs to another kind of discriminator")]
    [InlineData("discriminator: { kind: transformer }", "'discriminator.kind' must be one of lstm, cnn, not 'transformer'.")]
    [InlineData("discriminator: { kind: [cnn] }", "'discriminator.kind' must be one of lstm, cnn, not a section or a list.")]
    [InlineData("discriminator: { filter_widths: [2, 2] }", "must name at least one width, and each once.")]
    [InlineData("adversarial: { loss: wassersteen }",
        "'adversarial.loss' must be one of non_saturating, relativistic, hinge, wasserstein, not 'wassersteen'.")]
    public void What_does_not_belong_together_is_refused_in_a_sentence(string yaml, string expected) =>
        Assert.Contains(expected, Assert.Throws<UserMistakeException>(() => Read(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_kind_is_written_and_read_back_and_explained()
    {
        foreach (DiscriminatorKind kind in DiscriminatorKind.All)
        {
            RunConfig config = Read("", $"discriminator.kind={kind.Name}", "discriminator.embedding=5");
            string text = ConfigurationWriter.Write(config);
            Assert.Equal(text, ConfigurationWriter.Write(Read(text)));
        }

        string[] keys = [.. ConfigurationReader.Keys<RunConfig>().Select(key => key.Path)];
        Assert.Empty(new[] { "discriminator.kind", "discriminator.embedding", "discriminator.hidden", "discriminator.filters" }.Except(keys));
        Assert.Equal(keys.Distinct(), keys);
    }

    private static RunConfig Read(string yaml, params string[] assignments) =>
        ConfigurationReader.Read<RunConfig>([new ConfigurationLayer("file", yaml)], [.. assignments.Select(ConfigurationAssignment.Parse)]);
}
