using GumbelGan.Evaluation;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Evaluation;

public sealed class LikelihoodDivergenceTests
{
    // p over four strings; q gives a fifth, invalid one a tenth of its mass.
    private static readonly double[] _truth = [0.4, 0.3, 0.2, 0.1], _model = [0.2, 0.3, 0.1, 0.3, 0.1];

    [Fact]
    public void Estimates_agree_with_the_exact_sums_within_their_intervals_about_as_often_as_they_promise()
    {
        double klTrueModel = _truth.Select((p, i) => p * Math.Log(p / _model[i])).Sum();
        double klModelTrue = Enumerable.Range(0, 4).Sum(i => _model[i] / 0.9 * Math.Log(_model[i] / 0.9 / _truth[i]));
        double js = (Enumerable.Range(0, 4)
            .Sum(i => _truth[i] * Math.Log(2 * _truth[i] / (_truth[i] + _model[i])) + _model[i] * Math.Log(2 * _model[i] / (_truth[i] + _model[i])))
            + 0.1 * Math.Log(2)) / 2;
        var exact = LikelihoodDivergences.Exact(_truth, [.. _model[..4].Select(probability => Math.Log(probability))]);
        Assert.Equal(klTrueModel, exact.TrueFromModel.Value, 1e-12);
        Assert.Equal(klModelTrue, exact.ModelFromTrue.Value, 1e-12);
        Assert.Equal(js, exact.JensenShannon.Value, 1e-12);
        Assert.Equal(0.9, exact.ModelMass.Value, 1e-12);

        var random = new RandomStream(new RandomKey(4));
        const int Trials = 400;
        int[] within = new int[4];
        for (int trial = 0; trial < Trials; trial++)
        {
            var estimate = LikelihoodDivergences.Estimate([.. Draws(_truth)], [.. Draws(_model)]);
            (LikelihoodEstimate Found, double True)[] pairs = [(estimate.TrueFromModel, klTrueModel), (estimate.ModelFromTrue, klModelTrue),
                (estimate.JensenShannon, js), (estimate.ModelMass, 0.9)];
            for (int i = 0; i < pairs.Length; i++)
            {
                within[i] += pairs[i].Found.Interval!.Value.Contains(pairs[i].True) ? 1 : 0;
            }
        }

        // 95% of 400 is 380, with a standard deviation of 4.4; five of them either way, and a little for the normal approximation.
        Assert.All(within, count => Assert.InRange(count, 350, 400));

        IEnumerable<(double, double)> Draws(double[] distribution) => Enumerable.Range(0, 300).Select(_ =>
        {
            double left = random.NextDouble();
            int text = 0;
            while (text < distribution.Length - 1 && (left -= distribution[text]) >= 0)
            {
                text++;
            }

            return (text < 4 ? Math.Log(_truth[text]) : double.NegativeInfinity, Math.Log(_model[text]));
        });
    }

    [Fact]
    public void What_the_model_excludes_makes_the_price_of_missing_infinite_and_what_it_never_gets_right_is_undefined()
    {
        var estimate =
            LikelihoodDivergences.Estimate([(-1, double.NegativeInfinity), (-1, -2)], [(double.NegativeInfinity, -1), (double.NegativeInfinity, -2)]);
        Assert.Equal(double.PositiveInfinity, estimate.TrueFromModel.Value);
        Assert.Null(estimate.TrueFromModel.Interval);
        Assert.True(double.IsNaN(estimate.ModelFromTrue.Value));
        Assert.Equal(0, estimate.ModelMass.Value);
    }
}
