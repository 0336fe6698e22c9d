using System.ComponentModel.DataAnnotations;

namespace GumbelGan.Training.Sweeps;

/// <summary>The keys below <c>random</c> in a sweep file, beside <c>ranges</c>.</summary>
public sealed record RandomOptions
{
    /// <summary>The key whose values are ranges.</summary>
    internal const string RangesKey = "ranges";

    /// <summary>How many settings are drawn.</summary>
    [Range(1, SweepSettings.Most)]
    public int Draws { get; init; } = 1;

    /// <summary>Keys the draws: the same seed gives the same settings.</summary>
    public long Seed { get; init; } = 1;
}
