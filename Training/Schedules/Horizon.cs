namespace GumbelGan.Training.Schedules;

/// <summary>How far a value that changes over the adversarial phase has come.</summary>
internal static class Horizon
{
    /// <summary>The part of the way that is done at <paramref name="step"/>, at most 1.</summary>
    /// <param name="horizon">Steps of the way; 0: all of the phase.</param>
    /// <param name="step">From 1.</param>
    /// <param name="steps">Of the phase.</param>
    public static double Progress(int horizon, long step, long steps) => Math.Min(1, (double)step / (horizon > 0 ? horizon : steps));
}
