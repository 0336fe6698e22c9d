namespace GumbelGan.Evaluation.Metrics;

/// <summary>How many different n-grams a set of sequences has.</summary>
public static class UniqueNGrams
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "unique_ngrams", "diversity/unique_ngrams", Better.Neither, _ => true,
        inputs => $"unique n-grams ({Metric.Count(inputs.Generated.Count, "sequence")} pooled)",
        "Distinct n-grams over all n-grams of the pooled sequences; it falls as the set grows, so only equal counts compare.",
        inputs => MetricValue.FromBigrams(Of(inputs.Generated, Metric.MaximumOrder)))
    {
        WhileTraining = ["2"],
    };

    /// <summary>
    /// Distinct n-grams over all n-grams of the set ("distinct-n", Li et al. 2016; Texygen's unique n-grams), n = 1..<paramref name="maximumOrder"/>.
    /// </summary>
    /// <returns>
    /// Index n-1 holds the ratio in [0, 1]; NaN where no sequence is n tokens long. The ratio falls as the set grows: compare equal counts only.
    /// </returns>
    public static double[] Of(IReadOnlyList<int[]> sequences, int maximumOrder = 5)
    {
        var index = new NGramIndex(maximumOrder);
        long[] all = new long[maximumOrder];
        int[] numbers = new int[sequences.Count == 0 ? 0 : sequences.Max(sequence => sequence.Length)];
        foreach (int[] sequence in sequences)
        {
            for (int order = 1; order <= maximumOrder; order++)
            {
                all[order - 1] += index.Advance(order, sequence, numbers, add: true);
            }
        }

        return [.. all.Select((total, order) => total == 0 ? double.NaN : (double)index.Count(order + 1) / total)];
    }
}
