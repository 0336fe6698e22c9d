namespace GumbelGan.Training.Schedules;

/// <summary>The full step size throughout.</summary>
public static class ConstantSchedule
{
    /// <summary>In the catalogue.</summary>
    public static LearningRateSchedule Entry { get; } = new("constant", (_, _) => 1);
}
