using GumbelGan.Storage;

namespace GumbelGan.Training.Schedules;

/// <summary>How a step size changes over a phase.</summary>
/// <param name="Name">In configurations.</param>
/// <param name="FactorAt">What the step size is multiplied by in step n of N, counted from 1.</param>
public sealed record LearningRateSchedule(string Name, Func<long, long, double> FactorAt) : INamedKind
{
    /// <summary>Every schedule. Whoever asks what schedules there are, asks here.</summary>
    public static IReadOnlyList<LearningRateSchedule> All => [ConstantSchedule.Entry, CosineSchedule.Entry];

    /// <summary>The step size of a phase that does not say otherwise.</summary>
    public static LearningRateSchedule Default => ConstantSchedule.Entry;

    /// <summary>The step size of pre-training that does not say otherwise.</summary>
    public static LearningRateSchedule DefaultOfPretraining => CosineSchedule.Entry;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
