namespace GumbelGan.Evaluation.Metrics;

/// <summary>How many sequences are not copied from the training set.</summary>
public static class NoveltyRate
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "novelty", "diversity/novelty", Better.Neither, inputs => inputs.Training is not null,
        inputs => $"novelty rate ({Metric.Count(inputs.Generated.Count, "sequence")} against {inputs.Training!.Count} of the training set)",
        "Share of generated sequences, duplicates counted, that do not occur word for word in the training set; a memoriser has 0.",
        inputs => [new("", Of(inputs.Generated, inputs.Training!))])
    {
        Shown = [""],
    };

    /// <summary>The share of sequences, duplicates counted, that do not occur in the <paramref name="training"/> set word for word.</summary>
    /// <exception cref="ArgumentException">The set is empty.</exception>
    public static double Of(IReadOnlyList<int[]> sequences, IReadOnlyList<int[]> training)
    {
        if (sequences.Count == 0)
        {
            throw new ArgumentException("A rate needs at least one sequence.", nameof(sequences));
        }

        var known = new HashSet<int[]>(training, SequenceEquality.Instance);
        return (double)sequences.Count(sequence => !known.Contains(sequence)) / sequences.Count;
    }
}
