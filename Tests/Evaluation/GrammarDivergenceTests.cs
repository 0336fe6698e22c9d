using GumbelGan.Evaluation;
using GumbelGan.Randomness;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Evaluation;

/// <summary>The divergences on the arithmetic grammar that ships in corpora/.</summary>
public sealed class GrammarDivergenceTests
{
    private static readonly Lazy<(Grammar Grammar, KnownDistribution<string> Truth)> _arithmetic = new(() =>
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "corpora", "arithmetic.grammar")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        var grammar = Grammar.Load(Path.Combine(folder!, "corpora", "arithmetic.grammar"));
        return (grammar, KnownDistribution<string>.Of(grammar.Enumerate().Select(text => (text.Text, text.Probability))));
    });

    [Theory]
    [InlineData(500)]
    [InlineData(5000)]
    public void A_sample_from_the_grammar_scores_zero_within_its_interval(int samples)
    {
        (Grammar grammar, KnownDistribution<string> truth) = _arithmetic.Value;
        var random = new RandomStream(new RandomKey(31));
        SampleDivergenceReport report =
            SampleDivergences.Estimate(truth, Enumerable.Range(0, samples).Select(_ => grammar.Sample(random)), new RandomKey(32), 39);
        Assert.Equal(1, report.Validity);
        Assert.True(report.ModelFromTrue.Interval.Contains(0)
            && report.JensenShannon.Interval.Contains(0) && report.TotalVariation.Interval.Contains(0), $"{report}");
        Assert.True(report.ModelFromTrue.PValue > 0.05, $"{report}");
        Assert.Equal(report.Coverage.PerfectMass, report.Coverage.Mass, 0.05);
    }

    [Fact]
    public void A_collapsed_sampler_is_valid_and_far_and_a_careless_one_is_near_and_less_valid()
    {
        (Grammar grammar, KnownDistribution<string> truth) = _arithmetic.Value;
        var random = new RandomStream(new RandomKey(33));
        string only = grammar.Sample(random);
        SampleDivergenceReport collapsed = SampleDivergences.Estimate(truth, Enumerable.Repeat(only, 2000), new RandomKey(34), 39);
        SampleDivergenceReport careless = SampleDivergences.Estimate(
            truth, Enumerable.Range(0, 2000).Select(_ => random.NextDouble() < 0.1 ? "++" : grammar.Sample(random)), new RandomKey(35), 39);
        Assert.Equal(1, collapsed.Validity);
        Assert.Equal(-grammar.LogProbability(only), collapsed.ModelFromTrue.PlugIn, 1e-9);
        Assert.InRange(careless.Validity, 0.885, 0.915);
        Assert.True(collapsed.ModelFromTrue.Interval.Lower > careless.ModelFromTrue.Corrected + 1,
            $"{collapsed.ModelFromTrue} {careless.ModelFromTrue}");
        Assert.True(collapsed.JensenShannon.Interval.Lower > 0.4 && careless.JensenShannon.Corrected < 0.1,
            $"{collapsed.JensenShannon} {careless.JensenShannon}");
        Assert.True(careless.JensenShannon.Interval.Lower > 0.01);
    }
}
