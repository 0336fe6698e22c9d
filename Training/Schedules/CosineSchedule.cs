namespace GumbelGan.Training.Schedules;

/// <summary>Half a cosine from the full step size down to zero (Loshchilov and Hutter 2017, without restarts).</summary>
public static class CosineSchedule
{
    /// <summary>In the catalogue.</summary>
    public static LearningRateSchedule Entry { get; } =
        new("cosine", (step, steps) => (1 + Math.Cos(Math.PI * (step - 1) / steps)) / 2);
}
