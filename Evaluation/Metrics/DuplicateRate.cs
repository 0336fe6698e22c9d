namespace GumbelGan.Evaluation.Metrics;

/// <summary>How often a set of sequences repeats itself.</summary>
public static class DuplicateRate
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "duplicates", "diversity/duplicates", Better.Neither, _ => true,
        inputs => $"duplicate rate ({Metric.Count(inputs.Generated.Count, "sequence")})",
        "Share of generated sequences that repeat an earlier one of the same set.",
        inputs => [new("", Of(inputs.Generated))])
    {
        Shown = [""],
        WhileTraining = [""],
    };

    /// <summary>The share of sequences that repeat an earlier sequence of the same set: 1 - distinct / all.</summary>
    /// <exception cref="ArgumentException">The set is empty.</exception>
    public static double Of(IReadOnlyList<int[]> sequences)
    {
        if (sequences.Count == 0)
        {
            throw new ArgumentException("A rate needs at least one sequence.", nameof(sequences));
        }

        return 1 - ((double)new HashSet<int[]>(sequences, SequenceEquality.Instance).Count / sequences.Count);
    }
}
