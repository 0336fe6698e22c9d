using GumbelGan.Evaluation.Metrics;

namespace GumbelGan.Tests.Extending;

/// <summary>How many different tokens sequences begin with: a generator in which one opening has won has few.</summary>
public static class DistinctFirstWords
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "distinct_first_words", "diversity/distinct_first_words", Better.Neither,
        inputs => inputs.Generated.Any(sequence => sequence.Length > 0),
        inputs => $"distinct first words ({inputs.Generated.Count} sequences)",
        "Different first tokens over all first tokens of the generated sequences; it falls as the set grows, so only equal counts compare.",
        inputs => [new MetricValue("", Of(inputs.Generated))])
    {
        Shown = [""],
        WhileTraining = [""],
    };

    /// <summary>Different first tokens over all first tokens; empty sequences have none.</summary>
    public static double Of(IReadOnlyList<int[]> sequences)
    {
        int[] first = [.. sequences.Where(sequence => sequence.Length > 0).Select(sequence => sequence[0])];
        return (double)first.Distinct().Count() / first.Length;
    }
}
