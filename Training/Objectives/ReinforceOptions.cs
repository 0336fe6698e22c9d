using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Training.Objectives;

/// <summary>What a hard sample is rewarded with.</summary>
public enum RewardKind
{
    /// <summary>The discriminator's probability of "real", the sigmoid of its score.</summary>
    Discriminator,

    /// <summary>The discriminator's score itself, unbounded: what a Wasserstein critic estimates.</summary>
    Score,

    /// <summary>Control: the same number for everything, so whatever changes is not what the discriminator has taught.</summary>
    Constant,

    /// <summary>Control: a uniform random number in [0, 1) for each sequence judged.</summary>
    Random,
}

/// <summary>Which part of the reward a token answers for.</summary>
public enum CreditKind
{
    /// <summary>The reward of the whole sequence, for every token (Williams 1992).</summary>
    Sequence,

    /// <summary>The mean reward of sequences completed from this token on by a roll-out policy (SeqGAN, Yu et al. 2017).</summary>
    RollOuts,

    /// <summary>
    /// The discounted sum of the rewards of this and all longer prefixes, each 2 D - 1 (ScratchGAN, de Masson d'Autume et al. 2019);
    /// raw scores and constants as they are.
    /// </summary>
    Dense,
}

/// <summary>What is subtracted from a return to lower the variance of the gradient without moving its mean.</summary>
public enum BaselineKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>An exponential moving average of the mean return of earlier batches; nothing in the first.</summary>
    MovingAverage,

    /// <summary>The mean return of the other sequences of the batch, at the same place (RLOO; Kool et al. 2019).</summary>
    LeaveOneOut,

    /// <summary>
    /// The mean of the other sequences and of the moving average, the latter counted as eight sequences: whatever the size of the batch, one alone
    /// included.
    /// </summary>
    Pooled,
}

/// <summary>How the objectives reinforce, rloo, rebar, relax, critic and mixture turn rewards into a gradient.</summary>
public sealed record ReinforceOptions
{
    /// <summary>discriminator (the sigmoid of its score), score (the score itself), or as controls constant or random.</summary>
    public RewardKind Reward { get; init; } = RewardKind.Discriminator;

    /// <summary>The reward with reward constant; with credit dense every prefix gets it.</summary>
    [Range(-1e6, 1e6)]
    public double ConstantReward { get; init; } = 1;

    /// <summary>sequence (one reward for all tokens), roll_outs (SeqGAN) or dense (a reward for every prefix, ScratchGAN).</summary>
    public CreditKind Credit { get; init; } = CreditKind.Sequence;

    /// <summary>
    /// none, moving_average, leave_one_out, or pooled (the last two together); null is the objective's own: moving_average with reinforce,
    /// leave_one_out with rloo, pooled with rebar, relax, critic and mixture.
    /// </summary>
    public BaselineKind? Baseline { get; init; }

    /// <summary>moving_average and pooled: the share of the old average that stays at each update.</summary>
    [Range(0, 0.999999)]
    public double BaselineDecay { get; init; } = 0.9;

    /// <summary>roll_outs: completions of every prefix.</summary>
    [Range(1, 1024)]
    public int RollOuts { get; init; } = 16;

    /// <summary>roll_outs: the share of its old weights that the roll-out policy keeps at each generator update; 0 follows at once.</summary>
    [Range(0, 1)]
    public double RollOutLag { get; init; } = 0.8;

    /// <summary>dense: how much a reward counts one token earlier.</summary>
    [Range(0, 1)]
    public double Discount { get; init; } = 0.23;

    /// <summary>Scale the advantages of a batch to mean 0 and deviation 1, which biases the gradient.</summary>
    public bool Whiten { get; init; }

    /// <summary>Weight of the mean entropy of the next token, in nats, added to the objective at the places that the samples visit.</summary>
    [Range(0, 1e3)]
    public double EntropyBonus { get; init; }
}
