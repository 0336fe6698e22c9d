using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>What is subtracted from the reward in a score-function estimator.</summary>
public enum ScoreBaseline
{
    /// <summary>Nothing (Williams 1992).</summary>
    None,

    /// <summary>The expected reward.</summary>
    ExpectedReward,

    /// <summary>The constant with the least variance, E(D |s|^2) / E |s|^2 for the score function s (Weaver and Tao 2001).</summary>
    BestConstant,

    /// <summary>The reward of the other sample of a pair (leave-one-out; Kool et al. 2019).</summary>
    OtherOfPair,
}

/// <summary>
/// The exact mean and variance of (D - b) s, where D is the reward of a sequence, s the gradient of its log-probability and b a baseline. One pass
/// over all sequences gives the moments that every baseline's are made of.
/// </summary>
/// <remarks>P parameters.</remarks>
public sealed class ScoreFunctionMoments : IDisposable
{
    private readonly Tensor _rewardedScore, _score;
    private readonly double _reward, _squaredReward, _both, _rewardOnce, _length;

    private ScoreFunctionMoments(ExactGame game, Tensor rewardedScore, Tensor score, double both, double rewardOnce, double length)
    {
        (_rewardedScore, _score, _both, _rewardOnce, _length) =
            (rewardedScore.DetachFromDisposeScope(), score.DetachFromDisposeScope(), both, rewardOnce, length);
        (_reward, _squaredReward) = (game.ExpectedReward, game.Expectation(game.Rewards.square()));
    }

    /// <summary>Sums over all sequences.</summary>
    public static ScoreFunctionMoments Of(ExactGame game, CancellationToken cancellation = default)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rewardedScore = zeros_like(game.Gradient), score = zeros_like(game.Gradient);
        double both = 0, rewardOnce = 0, length = 0;
        foreach ((int start, Tensor ids) in game.Strings.Pieces(PerSequenceGenerator.RowsFor(game.Generator)))
        {
            cancellation.ThrowIfCancellationRequested();
            long count = ids.shape[0];
            var generator = new PerSequenceGenerator(game.Generator, count);
            Tensor scores = generator.Gradients(generator.LogProbability(ids)); // [B, P]
            Tensor probability = game.Probabilities.narrow(0, start, count), reward = game.Rewards.narrow(0, start, count); // [B]
            Tensor lengths = scores.square().sum(1); // [B]
            rewardedScore.add_((probability * reward).unsqueeze(0).mm(scores).squeeze(0));
            score.add_(probability.unsqueeze(0).mm(scores).squeeze(0));
            both += (probability * reward.square() * lengths).sum().item<double>();
            rewardOnce += (probability * reward * lengths).sum().item<double>();
            length += (probability * lengths).sum().item<double>();
        }

        return new ScoreFunctionMoments(game, rewardedScore, score, both, rewardOnce, length);
    }

    /// <summary>
    /// The moments of an estimator. A pair gives its two samples' mean, (D1 - D2)(s1 - s2) / 2; for comparison with the others its variance is
    /// counted for one sample, twice that of a pair.
    /// </summary>
    public GradientMoments With(ScoreBaseline baseline)
    {
        using DisposeScope scope = NewDisposeScope();
        double constant = baseline switch { ScoreBaseline.None => 0, ScoreBaseline.BestConstant => _rewardOnce / _length, _ => _reward };
        Tensor mean = _rewardedScore - _score * constant; // [P]
        double square = _both - 2 * constant * _rewardOnce + constant * constant * _length;
        if (baseline == ScoreBaseline.OtherOfPair)
        {
            double truth = mean.square().sum().item<double>();
            // E (D1 - D2)^2 |s1 - s2|^2 / 4 for two independent samples; terms with E s alone are zero.
            double pair = (_both - 2 * _rewardOnce * _reward + _squaredReward * _length + 2 * truth) / 2;
            square = truth + 2 * (pair - truth);
        }

        var moments = new GradientMoments(1, mean.shape[0]);
        moments.AddExpectation(0, mean, square);
        return moments;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rewardedScore.Dispose();
        _score.Dispose();
    }
}
