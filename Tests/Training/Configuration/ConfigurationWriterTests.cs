using FsCheck;
using FsCheck.Fluent;
using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Training.Configuration;

public sealed class ConfigurationWriterTests
{
    [Fact]
    public void Whatever_is_written_reads_back_to_the_same_values()
    {
        Gen<SampleConfiguration> configurations =
            from seed in ArbMap.Default.GeneratorFor<long>()
            from corpus in Texts()
            from title in Texts()
            from threads in Gen.Choose(0, 1024)
            from histograms in ArbMap.Default.GeneratorFor<bool>()
            from schedule in Gen.Elements(Enum.GetValues<SampleSchedule>())
            from hidden in Gen.Choose(8, int.MaxValue)
            from layers in Gen.Elements<int?>(null, -7, 0, 3)
            from widths in Gen.Choose(1, 50).ListOf()
            from betas in Doubles().ListOf()
            from names in Texts().ListOf()
            from penalty in Doubles()
            select new SampleConfiguration
            {
                Seed = seed,
                Corpus = corpus.Length == 0 ? null : corpus,
                Title = title,
                Threads = threads,
                Histograms = histograms,
                Schedule = schedule,
                Generator = new() { HiddenSize = hidden, Layers = layers },
                Discriminator = new() { FilterWidths = [.. widths], Betas = [.. betas], Names = [.. names], L2Penalty = penalty },
            };
        Prop.ForAll(configurations.ToArbitrary(), configuration =>
        {
            foreach (bool explained in (bool[])[false, true])
            {
                SampleConfiguration read = ConfigurationReader.Read<SampleConfiguration>(
                    [new ConfigurationLayer("file", ConfigurationWriter.Write(configuration, explained))], []);
                // Lists compare by reference inside records, so they are compared apart and then made the same.
                Assert.Equal(configuration.Discriminator.FilterWidths, read.Discriminator.FilterWidths);
                Assert.Equal(configuration.Discriminator.Betas.Select(BitConverter.DoubleToInt64Bits),
                    read.Discriminator.Betas.Select(BitConverter.DoubleToInt64Bits));
                Assert.Equal(configuration.Discriminator.Names, read.Discriminator.Names);
                Assert.Equal(BitConverter.DoubleToInt64Bits(configuration.Discriminator.L2Penalty),
                    BitConverter.DoubleToInt64Bits(read.Discriminator.L2Penalty));
                Assert.Equal(configuration with { Discriminator = read.Discriminator }, read);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithQuietOnSuccess(true));
    }

    [Fact]
    public void The_written_text_is_the_canonical_form_with_the_documentation_above_each_key()
    {
        const string Expected = """
            # Hidden units.
            hidden_size: 32
            # Temperature at the start.
            initial_temperature: 5.0
            # Temperature at the end.
            final_temperature: 1.0
            # Layers of the cell, or null for one.
            layers: null

            """;
        Assert.Equal(Expected, ConfigurationWriter.Write(new SampleGeneratorConfiguration(), explained: true));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("no")]
    [InlineData("~")]
    [InlineData("")]
    [InlineData("12")]
    [InlineData("1e3")]
    [InlineData(" a ")]
    [InlineData("- a")]
    [InlineData("a: b")]
    [InlineData("a #b")]
    [InlineData("\u0085\u2028\t\r\n\0\\\"'")]
    [InlineData("\U0001F600 caf\u00E9 \u4F60\u597D")]
    [InlineData("%YAML")]
    [InlineData("---")]
    [InlineData("...")]
    public void Text_that_yaml_could_take_for_something_else_stays_text(string text)
    {
        string yaml = ConfigurationWriter.Write(new SampleConfiguration { Title = text, Corpus = text });
        SampleConfiguration read = ConfigurationReader.Read<SampleConfiguration>([new ConfigurationLayer("file", yaml)], []);
        Assert.Equal(text, read.Title);
        Assert.Equal(text, read.Corpus);
    }

    private static Gen<string> Texts() => ArbMap.Default.GeneratorFor<UnicodeString>().Select(text => text.Item ?? "").Where(IsWellFormed);

    private static bool IsWellFormed(string text) => !text.EnumerateRunes().Any(rune => rune == System.Text.Rune.ReplacementChar);

    private static Gen<double> Doubles() => Gen.OneOf(
        ArbMap.Default.GeneratorFor<long>().Select(BitConverter.Int64BitsToDouble).Where(double.IsFinite),
        ArbMap.Default.GeneratorFor<NormalFloat>().Select(number => number.Get),
        Gen.Elements(0.0, -0.0, double.Epsilon, double.MaxValue, 1e-5, 1e16, 123456789.125));
}
