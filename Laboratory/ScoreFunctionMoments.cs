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
/// The exact mean and variance of the score-function estimator (D - b) s, where D is the reward of a sequence, s the gradient of its log-probability
/// and b a baseline. One pass over all sequences gives the expectations from which those of every baseline follow.
/// </summary>
/// <remarks>P parameters.</remarks>
public sealed class ScoreFunctionMoments : IDisposable
{
    // E[D s] and E[s], [P] each.
    private readonly Tensor _rewardedScore, _score;
    // E[D], E[D^2]; E[D^2 |s|^2], E[D |s|^2], E[|s|^2].
    private readonly double _reward, _squaredReward, _squaredRewardNorm, _rewardNorm, _norm;

    private ScoreFunctionMoments(ExactGame game, Tensor rewardedScore, Tensor score, double squaredRewardNorm, double rewardNorm, double norm)
    {
        (_rewardedScore, _score) = (rewardedScore.DetachFromDisposeScope(), score.DetachFromDisposeScope());
        (_squaredRewardNorm, _rewardNorm, _norm) = (squaredRewardNorm, rewardNorm, norm);
        (_reward, _squaredReward) = (game.ExpectedReward, game.Expectation(game.Rewards.square()));
    }

    /// <summary>Sums over all sequences.</summary>
    public static ScoreFunctionMoments Of(ExactGame game, CancellationToken cancellation = default)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rewardedScore = zeros_like(game.Gradient), score = zeros_like(game.Gradient);
        double squaredRewardNorm = 0, rewardNorm = 0, norm = 0;
        foreach ((int start, Tensor ids) in game.Strings.Pieces(PerSequenceGenerator.RowsFor(game.Generator)))
        {
            cancellation.ThrowIfCancellationRequested();
            long count = ids.shape[0];
            var generator = new PerSequenceGenerator(game.Generator, count);
            Tensor scores = generator.Gradients(generator.LogProbability(ids)); // [B, P]
            Tensor probability = game.Probabilities.narrow(0, start, count), reward = game.Rewards.narrow(0, start, count); // [B]
            Tensor norms = scores.square().sum(1); // [B]
            rewardedScore.add_((probability * reward).unsqueeze(0).mm(scores).squeeze(0));
            score.add_(probability.unsqueeze(0).mm(scores).squeeze(0));
            squaredRewardNorm += (probability * reward.square() * norms).sum().item<double>();
            rewardNorm += (probability * reward * norms).sum().item<double>();
            norm += (probability * norms).sum().item<double>();
        }

        return new ScoreFunctionMoments(game, rewardedScore, score, squaredRewardNorm, rewardNorm, norm);
    }

    /// <summary>
    /// The moments with a baseline. With <see cref="ScoreBaseline.OtherOfPair"/> a pair of samples gives (D1 - D2)(s1 - s2) / 2, the mean of its two
    /// estimates. To compare with the others, its variance is given for one sample: twice that of a pair.
    /// </summary>
    public GradientMoments With(ScoreBaseline baseline)
    {
        using DisposeScope scope = NewDisposeScope();
        double constant = baseline switch { ScoreBaseline.None => 0, ScoreBaseline.BestConstant => _rewardNorm / _norm, _ => _reward };
        Tensor mean = _rewardedScore - _score * constant; // [P]
        double square = _squaredRewardNorm - 2 * constant * _rewardNorm + constant * constant * _norm;
        if (baseline == ScoreBaseline.OtherOfPair)
        {
            double truth = mean.square().sum().item<double>();
            // E (D1 - D2)^2 |s1 - s2|^2 / 4 for two independent samples. E s is zero, and so are all terms with it.
            double pair = (_squaredRewardNorm - 2 * _rewardNorm * _reward + _squaredReward * _norm + 2 * truth) / 2;
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
