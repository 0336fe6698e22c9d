using GumbelGan.Evaluation;

namespace GumbelGan.Tests;

internal static class Intervals
{
    /// <summary>Whether a value lies within an interval, limits included.</summary>
    public static bool Contains(this ConfidenceInterval interval, double value) => interval.Lower <= value && value <= interval.Upper;
}
