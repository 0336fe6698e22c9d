using GumbelGan.Evaluation;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Evaluation;

public sealed class DivergenceTests
{
    private const int Replicates = 39;

    private static readonly double[] _truth = [.. Enumerable.Range(1, 60).Select(rank => 1.0 / rank)];

    static DivergenceTests()
    {
        double total = _truth.Sum();
        for (int text = 0; text < _truth.Length; text++)
        {
            _truth[text] /= total;
        }
    }

    [Fact]
    public void Plug_in_values_are_those_computed_by_hand()
    {
        // p = (1/2, 1/4, 1/4); four samples: the first string twice, the second once, one invalid.
        SampleDivergenceReport report = SampleDivergences.Estimate([0.5, 0.25, 0.25], [2, 1, 0], 1, new RandomKey(1), 20);
        Assert.Equal(0.75, report.Validity);
        Assert.Equal((2.0 / 3 * Math.Log(4.0 / 3)) + (1.0 / 3 * Math.Log(4.0 / 3)), report.ModelFromTrue.PlugIn, 1e-12);
        Assert.Equal(double.PositiveInfinity, report.TrueFromModel.PlugIn);
        Assert.True(double.IsNaN(report.TrueFromModel.Corrected) && double.IsFinite(report.TrueFromModel.Interval.Lower));
        // q = (1/2, 1/4, 0) and 1/4 outside: m = (1/2, 1/4, 1/8, 1/8).
        Assert.Equal(0.5 * ((0.25 * Math.Log(2)) + (0.25 * Math.Log(2))), report.JensenShannon.PlugIn, 1e-12);
        Assert.Equal(0.25, report.TotalVariation.PlugIn, 1e-12);
        Assert.Equal(0.75, report.Coverage.Mass, 1e-12);
        Assert.Equal(2.0 / 3, report.Coverage.SupportShare, 1e-12);
        Assert.Equal((0.5 * (1 - Math.Pow(0.5, 4))) + (0.5 * (1 - Math.Pow(0.75, 4))), report.Coverage.PerfectMass, 1e-12);
    }

    [Fact]
    public void Exact_divergences_between_known_distributions_are_those_computed_by_hand()
    {
        var exact = ExactDivergences.Between([0.5, 0.5], [Math.Log(0.2), Math.Log(0.6)]);
        Assert.Equal(0.8, exact.ModelMass, 1e-12);
        Assert.Equal((0.25 * Math.Log(0.5)) + (0.75 * Math.Log(1.5)), exact.ModelFromTrue, 1e-12);
        Assert.Equal((0.5 * Math.Log(0.5 / 0.2)) + (0.5 * Math.Log(0.5 / 0.6)), exact.TrueFromModel, 1e-12);
        Assert.Equal((0.2 + 0.3 + 0.1) / 2, exact.TotalVariation, 1e-12);
        double js = ((0.5 * Math.Log(0.5 / 0.35))
            + (0.5 * Math.Log(0.5 / 0.55)) + (0.2 * Math.Log(0.2 / 0.35)) + (0.6 * Math.Log(0.6 / 0.55)) + (0.2 * Math.Log(2))) / 2;
        Assert.Equal(js, exact.JensenShannon, 1e-12);
        Assert.Equal(double.PositiveInfinity, ExactDivergences.Between([0.5, 0.5], [0, double.NegativeInfinity]).TrueFromModel);
    }

    /// <summary>Sizes where the plug-in's bias (about 59 / 2n) is many times its standard error, up to fewer samples than strings.</summary>
    [Theory]
    [InlineData(40)]
    [InlineData(300)]
    [InlineData(3000)]
    public void Samples_of_the_truth_score_zero_within_the_interval_and_as_a_perfect_sampler(int samples)
    {
        const int Seeds = 60;
        int rejected = 0;
        double plugIn = 0, corrected = 0;
        int[] missed = new int[4];
        for (ulong seed = 0; seed < Seeds; seed++)
        {
            SampleDivergenceReport report =
                SampleDivergences.Estimate(_truth, Draw(_truth, samples, new RandomKey(17).Derive(seed)), 0, new RandomKey(seed), Replicates);
            DivergenceEstimate[] all = [report.ModelFromTrue, report.TrueFromModel, report.JensenShannon, report.TotalVariation];
            for (int which = 0; which < all.Length; which++)
            {
                missed[which] += all[which].Interval.Contains(0) ? 0 : 1;
            }

            rejected += report.ModelFromTrue.PValue <= 0.05 ? 1 : 0;
            plugIn += report.ModelFromTrue.PlugIn / Seeds;
            corrected += report.ModelFromTrue.Corrected / Seeds;
        }

        // 95% intervals: of 60, more than 8 misses have probability 0.003.
        Assert.All(missed, count => Assert.InRange(count, 0, 8));
        Assert.InRange(rejected, 0, 8);
        Assert.True(corrected < 0.35 * plugIn, $"corrected {corrected} against plug-in {plugIn}");
    }

    [Theory]
    [InlineData(100)]
    [InlineData(2000)]
    public void The_interval_covers_the_exact_divergence_of_a_model_that_differs(int samples)
    {
        // The truth tilted, with two thirds of the strings missing and a tenth of the mass invalid.
        const double Validity = 0.9;
        double[] model = [.. _truth.Select((probability, rank) => rank % 3 == 0 ? Math.Sqrt(probability) : 0)];
        double total = model.Sum();
        model = [.. model.Select(probability => probability / total)];
        var exact = ExactDivergences.Between(_truth, [.. model.Select(probability => Math.Log(Validity * probability))]);
        double[] values = [exact.ModelFromTrue, exact.TrueFromModel, exact.JensenShannon, exact.TotalVariation];
        const int Seeds = 60;
        int[] missed = new int[4];
        double corrected = 0, plugIn = 0;
        for (ulong seed = 0; seed < Seeds; seed++)
        {
            RandomKey key = new RandomKey(23).Derive(seed);
            long outside = Draw([Validity, 1 - Validity], samples, key.Derive("valid"))[1];
            SampleDivergenceReport report = SampleDivergences.Estimate(_truth, Draw(model, samples - (int)outside, key), outside, key, Replicates);
            DivergenceEstimate[] all = [report.ModelFromTrue, report.TrueFromModel, report.JensenShannon, report.TotalVariation];
            for (int which = 0; which < all.Length; which++)
            {
                missed[which] += all[which].Interval.Contains(values[which]) ? 0 : 1;
            }

            corrected += report.ModelFromTrue.Corrected / Seeds;
            plugIn += report.ModelFromTrue.PlugIn / Seeds;
            Assert.True(report.ModelFromTrue.PValue <= (1.0 / (Replicates + 1)) + 1e-12);
            Assert.True(report.ModelFromTrue.Interval.Lower > 0.1);
        }

        Assert.All(missed, count => Assert.InRange(count, 0, 8));
        Assert.True(Math.Abs(corrected - values[0]) < Math.Abs(plugIn - values[0]), $"corrected {corrected}, plug-in {plugIn}, exact {values[0]}");
    }

    /// <summary>Of 300 samples 100 are valid and those are the truth's: held against 300 of a perfect sampler, most would be rejected.</summary>
    [Fact]
    public void What_is_invalid_makes_no_difference_to_the_test_of_what_is_valid()
    {
        const int Seeds = 60;
        int rejected = 0;
        for (ulong seed = 0; seed < Seeds; seed++)
        {
            long[] valid = Draw(_truth, 100, new RandomKey(23).Derive(seed));
            DivergenceEstimate estimate = SampleDivergences.Estimate(_truth, valid, 200, new RandomKey(seed), Replicates).ModelFromTrue;
            rejected += estimate.PValue <= 0.05 ? 1 : 0;
            Assert.InRange(estimate.PlugIn / estimate.PerfectMean, 0.5, 1.6);
        }

        Assert.InRange(rejected, 0, 8);
    }

    [Fact]
    public void A_collapsed_sampler_is_all_valid_and_pays_the_surprise_of_its_one_string()
    {
        var truth = new KnownDistribution<string>(["x", "x+x", "x-x", "x*x"], text => text == "x" ? Math.Log(0.7) : Math.Log(0.1));
        SampleDivergenceReport report = SampleDivergences.Estimate(truth, Enumerable.Repeat("x+x", 1000), new RandomKey(3));
        Assert.Equal(1, report.Validity);
        Assert.Equal(Math.Log(10), report.ModelFromTrue.PlugIn, 1e-12);
        Assert.Equal(Math.Log(10), report.ModelFromTrue.Corrected, 0.01);
        Assert.InRange(report.ModelFromTrue.Interval.Lower, 2.25, Math.Log(10));
        Assert.Equal(0.1, report.Coverage.Mass, 1e-12);
        Assert.Equal(0.9, report.TotalVariation.PlugIn, 1e-12);
        Assert.Equal(double.PositiveInfinity, report.TrueFromModel.PlugIn);
        Assert.True(report.TrueFromModel.Interval.Lower > 3);
    }

    [Fact]
    public void A_sampler_that_never_produces_a_valid_string_is_as_far_as_possible()
    {
        SampleDivergenceReport report = SampleDivergences.Estimate([0.5, 0.5], [0, 0], 100, new RandomKey(3), 20);
        Assert.Equal(0, report.Validity);
        Assert.True(double.IsNaN(report.ModelFromTrue.PlugIn) && double.IsNaN(report.ModelFromTrue.PValue));
        Assert.Equal(Math.Log(2), report.JensenShannon.PlugIn, 1e-12);
        Assert.Equal(1, report.TotalVariation.Interval.Lower, 1e-12);
    }

    [Fact]
    public void Simulations_depend_on_the_key_alone()
    {
        long[] counts = Draw(_truth, 200, new RandomKey(2));
        SampleDivergenceReport first = SampleDivergences.Estimate(_truth, counts, 3, new RandomKey(9), 30);
        Assert.Equal(first, SampleDivergences.Estimate(_truth, counts, 3, new RandomKey(9), 30));
        Assert.NotEqual(first.ModelFromTrue.PerfectMean,
            SampleDivergences.Estimate(_truth, counts, 3, new RandomKey(10), 30).ModelFromTrue.PerfectMean);
    }

    [Fact]
    public void A_distribution_that_is_not_normalised_or_lists_a_string_twice_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new KnownDistribution<string>(["a", "b"], _ => Math.Log(0.4)));
        Assert.Throws<ArgumentException>(() => new KnownDistribution<string>(["a", "a"], _ => Math.Log(0.5)));
        Assert.Throws<ArgumentException>(() => KnownDistribution<string>.Of([("a", 0.5), ("a", 0.5)]));
        Assert.Equal([0.25, 0.75], KnownDistribution<string>.Of([("a", 0.25), ("b", 0.75)]).Probabilities.ToArray());
        Assert.Equal([0.5, 0.5],
            new KnownDistribution<string>(["a", "b", "c"], text => text == "c" ? double.NegativeInfinity : Math.Log(0.5)).Probabilities.ToArray());
    }

    [Theory]
    // Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
    [InlineData(0, 20, 0, 0.1611)]
    [InlineData(1, 29, 0.0061, 0.1718)]
    [InlineData(81, 263, 0.2553, 0.3662)]
    public void Wilson_interval_equals_the_tabulated_one(long successes, long trials, double lower, double upper)
    {
        var interval = ConfidenceInterval.Wilson(successes, trials);
        Assert.Equal(lower, interval.Lower, 5e-5);
        Assert.Equal(upper, interval.Upper, 5e-5);
    }

    private static long[] Draw(double[] probabilities, int samples, RandomKey key)
    {
        var random = new RandomStream(key);
        long[] counts = new long[probabilities.Length];
        for (int draw = 0; draw < samples; draw++)
        {
            double remaining = random.NextDouble();
            int text = 0;
            while (text < probabilities.Length - 1 && (remaining -= probabilities[text]) >= 0)
            {
                text++;
            }

            counts[text]++;
        }

        return counts;
    }
}
