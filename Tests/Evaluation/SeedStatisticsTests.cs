using GumbelGan.Evaluation;
using Xunit;

namespace GumbelGan.Tests.Evaluation;

/// <summary>Student's sleep data (1908) with the results that R prints for t.test(extra ~ group, data = sleep), unpaired and paired.</summary>
public sealed class SeedStatisticsTests
{
    private static readonly double[] _first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
    private static readonly double[] _second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];

    [Fact]
    public void Welch_test_on_the_sleep_data_equals_r()
    {
        MeanComparison test = MeanComparison.Welch(_first, _second);
        Assert.Equal(-1.8608, test.Statistic, 5e-5);
        Assert.Equal(17.776, test.DegreesOfFreedom, 5e-4);
        Assert.Equal(0.07939, test.PValue, 5e-6);
        Assert.Equal(-3.3654832, test.Interval.Lower, 5e-7);
        Assert.Equal(0.2054832, test.Interval.Upper, 5e-7);
        // d = -1.58 / sqrt((3.200556 + 4.009) / 2), times Hedges' factor, which is 1 - 3 / (4 * 18 - 1) to four digits.
        Assert.Equal(-1.58 / Math.Sqrt((3.200556 + 4.009) / 2) * (1 - (3.0 / 71)), test.EffectSize, 2e-4);
    }

    [Fact]
    public void Paired_test_on_the_sleep_data_equals_r()
    {
        MeanComparison test = MeanComparison.Paired(_first, _second);
        Assert.Equal(-4.0621, test.Statistic, 5e-5);
        Assert.Equal(9, test.DegreesOfFreedom);
        Assert.Equal(0.002833, test.PValue, 5e-7);
        Assert.Equal(-2.4598858, test.Interval.Lower, 5e-7);
        Assert.Equal(-0.7001142, test.Interval.Upper, 5e-7);
        Assert.Equal(test.Statistic / Math.Sqrt(10), test.EffectSize, 1e-12);
    }

    [Fact]
    public void The_interval_over_three_seeds_uses_the_tabulated_quantile()
    {
        // t(0.975, 2) = 4.302653; values 1, 2, 6: mean 3, standard deviation sqrt 7.
        SeedSummary summary = SeedSummary.Of([1, 2, 6]);
        Assert.Equal(3, summary.Mean, 1e-12);
        Assert.Equal(Math.Sqrt(7), summary.StandardDeviation, 1e-12);
        Assert.Equal(3 + (4.302653 * Math.Sqrt(7.0 / 3)), summary.Interval.Upper, 1e-5);
        Assert.Equal(double.NegativeInfinity, SeedSummary.Of([1]).Interval.Lower);
    }

    [Fact]
    public void Holm_adjusts_step_by_step()
    {
        // R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") in another order.
        double[] adjusted = MeanComparison.Holm([0.03, 0.01, 0.05, 0.02, 0.04]);
        double[] expected = [0.09, 0.05, 0.09, 0.08, 0.09];
        Assert.All(expected.Zip(adjusted), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Equal([1.0, 1.0], MeanComparison.Holm([0.6, 0.9]));
        Assert.Empty(MeanComparison.Holm([]));
    }

    [Fact]
    public void Seeds_that_all_agree_are_tested_by_permutations_and_equal_means_no_effect()
    {
        // Of three pairs 2 of the 8 ways to choose signs are as extreme, of two values a side 2 of the 6 ways to choose sides.
        MeanComparison paired = MeanComparison.Paired([1, 2, 3], [0, 1, 2]);
        Assert.Equal(0.25, paired.PValue);
        Assert.Equal(double.PositiveInfinity, paired.Statistic);
        Assert.Equal(1.0 / 3, MeanComparison.Welch([1, 1], [0, 0]).PValue, 1e-12);
        Assert.Equal(1, MeanComparison.Welch([1, 1], [1, 1]).PValue);
        Assert.Equal(0, MeanComparison.Welch([1, 1], [1, 1]).EffectSize);
    }
}
