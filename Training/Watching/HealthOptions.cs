using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Training.Watching;

/// <summary>What a run does whose loss or gradient stops being a number.</summary>
public enum DivergenceResponse
{
    /// <summary>It stops, and names the last good checkpoint.</summary>
    Stop,

    /// <summary>It goes back to the last checkpoint, and on from there at half the learning rates.</summary>
    RollBack,
}

/// <summary>What is watched while training. A limit of 0 turns its warning off.</summary>
public sealed record HealthOptions
{
    /// <summary>stop, or roll_back to the last checkpoint and go on at half the learning rates.</summary>
    public DivergenceResponse OnDivergence { get; init; } = DivergenceResponse.Stop;

    /// <summary>Times that a run may roll back before it stops after all.</summary>
    [Range(1, 1000)]
    public int MaximumRollBacks { get; init; } = 3;

    /// <summary>Warn of a collapsed generator where fewer than this share of an evaluation's samples are distinct.</summary>
    [Range(0, 1)]
    public double MinimumDistinct { get; init; } = 0.1;

    /// <summary>Warn of a saturated discriminator where its loss stays below this; losses without a floor are not watched.</summary>
    [Range(0, 1)]
    public double SaturatedLoss { get; init; } = 0.01;

    /// <summary>Reports in a row below the limit that make a discriminator saturated.</summary>
    [Range(1, 100000)]
    public int SaturatedReports { get; init; } = 5;

    /// <summary>Warn of a temperature that underflows where more than this share of relaxed tokens are exactly one-hot in single precision.</summary>
    [Range(0, 1)]
    public double MaximumOneHot { get; init; } = 0.9;

    /// <summary>
    /// Warn of a discriminator that has learned softness, not language, where its AUC of real text against relaxed samples is above this, and against
    /// hard ones below 0.6.
    /// </summary>
    [Range(0, 1)]
    public double SoftnessAuc { get; init; } = 0.9;
}
