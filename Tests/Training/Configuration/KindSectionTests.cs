using GumbelGan.Discriminators;
using GumbelGan.Generators;
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
    [InlineData("discriminator: { kind: transformer }", "'discriminator.kind' must be one of lstm, cnn, relgan, not 'transformer'.")]
    [InlineData("discriminator: { kind: [cnn] }", "'discriminator.kind' must be one of lstm, cnn, relgan, not a section or a list.")]
    [InlineData("discriminator: { filter_widths: [2, 2] }", "must name at least one width, and each once.")]
    [InlineData("adversarial: { loss: wassersteen }",
        "'adversarial.loss' must be one of non_saturating, relativistic, hinge, wasserstein, "
            + "density_ratio, relativistic_ratio, not 'wassersteen'.")]
    public void What_does_not_belong_together_is_refused_in_a_sentence(string yaml, string expected) =>
        Assert.Contains(expected, Assert.Throws<UserMistakeException>(() => Read(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_kind_is_written_and_read_back_and_explained()
    {
        foreach (DiscriminatorKind kind in DiscriminatorKind.All)
        {
            RunConfig config = Read("", $"discriminator.kind={kind.Name}", "discriminator.embedding=64");
            string text = ConfigurationWriter.Write(config);
            Assert.Equal(text, ConfigurationWriter.Write(Read(text)));
        }

        IReadOnlyList<ConfigurationKey> all = ConfigurationReader.Keys<RunConfig>();
        string[] keys = [.. all.Select(key => key.Path)];
        Assert.Empty(new[] { "discriminator.kind", "discriminator.embedding", "discriminator.hidden", "discriminator.filters" }.Except(keys));
        // A key that several kinds have is told once for each: defaults differ.
        Assert.Equal(all.Distinct(), all);
        Assert.All(all.GroupBy(key => key.Path).Where(same => same.Count() > 1),
            same => Assert.Equal(same.Count(), same.Select(key => key.Documentation).Distinct().Count()));
    }

    [Theory]
    [InlineData("adversarial: { relaxation: gumbel_rao }", 10)]
    [InlineData("adversarial: { relaxation: { kind: gumbel_rao } }", 10)]
    [InlineData("adversarial: { relaxation: { draws: 7, kind: gumbel_rao } }", 7)]
    [InlineData("", 3, "adversarial.relaxation.draws=3", "adversarial.relaxation=gumbel_rao")]
    [InlineData("", 4, "adversarial.relaxation.kind=gumbel_rao", "adversarial.relaxation.draws=4")]
    public void The_name_of_a_kind_alone_stands_for_its_section(string yaml, int draws, params string[] assignments)
    {
        RunConfig config = Read(yaml, assignments);
        Assert.Equal(new GumbelRaoRelaxation { Draws = draws }, config.Adversarial.Relaxation);
        Assert.Equal(10, ((GumbelRaoRelaxation)GumbelRaoRelaxation.Entry).Draws);
        Assert.Equal(config.Adversarial, Read(ConfigurationWriter.Write(config)).Adversarial);
    }

    [Fact]
    public void A_kind_without_options_is_written_as_its_name_and_every_relaxation_is_read_back()
    {
        Assert.All(Relaxation.All, relaxation => Assert.Equal(relaxation,
            Read(ConfigurationWriter.Write(Read("", $"adversarial.relaxation={relaxation.Name}"))).Adversarial.Relaxation));
        Assert.Contains("\n  relaxation: straight_through\n", ConfigurationWriter.Write(Read("", "adversarial.relaxation=straight_through")),
            StringComparison.Ordinal);
        Assert.IsType<CnnDiscriminatorOptions>(Read("discriminator: cnn").Discriminator);
    }

    [Theory]
    [InlineData("adversarial: { relaxation: { kind: reinmax, draws: 3 } }",
        "'adversarial.relaxation.draws' belongs to another kind of adversarial.relaxation")]
    [InlineData("adversarial: { relaxation: hard }", "'adversarial.relaxation' must be one of soft, straight_through, gumbel_rao, reinmax, gapped, "
        + "plain_straight_through, not 'hard'.")]
    [InlineData("adversarial: { relaxation: { kind: gumbel_rao, draws: 0 } }", "'adversarial.relaxation.draws' must be a whole number")]
    [InlineData("adversarial: { relaxation: [soft] }", "'adversarial.relaxation' is a section")]
    public void Options_of_a_relaxation_that_do_not_belong_to_it_are_refused(string yaml, string expected) =>
        What_does_not_belong_together_is_refused_in_a_sentence(yaml, expected);

    private static RunConfig Read(string yaml, params string[] assignments) =>
        ConfigurationReader.Read<RunConfig>([new ConfigurationLayer("file", yaml)], [.. assignments.Select(ConfigurationAssignment.Parse)]);
}
