namespace GumbelGan.Evaluation.Metrics;

/// <summary>
/// MS-Jaccard (Montahaei et al. 2019, "Jointly Measuring Diversity and Quality in Text Generation Models"): how far the n-gram multisets of
/// two corpora overlap. Counts are divided by the number of sentences, so the corpora may differ in size.
/// </summary>
public static class MultisetJaccard
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "ms_jaccard", "ms_jaccard", Better.Higher, inputs => inputs.References is not null,
        inputs => $"MS-Jaccard ({Metric.Count(inputs.Generated.Count, "sequence")} against {inputs.References!.Count})",
        "Overlap of n-gram multisets (Montahaei et al. 2019): geometric mean over 1..n-grams of sum(min)/sum(max) of the occurrences per "
            + "sequence; quality and diversity in one number.",
        inputs => MetricValue.FromBigrams(Score(inputs.Generated, inputs.References!, Metric.MaximumOrder)))
    {
        Shown = ["4"],
    };

    /// <summary>
    /// MS-Jaccard-n = geometric mean over orders k = 1..n of sum_g min(a_g, b_g) / sum_g max(a_g, b_g), where a_g and b_g are the occurrences of
    /// the k-gram g per sentence.
    /// </summary>
    /// <param name="first">Token ids, one array a sentence; at least one.</param>
    /// <param name="second">The corpus compared with; the measure is symmetric.</param>
    /// <param name="maximumOrder">The longest n-gram, in tokens.</param>
    /// <returns>MS-Jaccard-n at index n-1, in [0, 1]; 1 for equal multisets. NaN from the first order that neither corpus has.</returns>
    /// <exception cref="ArgumentException">One of the corpora is empty.</exception>
    public static double[] Score(IReadOnlyList<int[]> first, IReadOnlyList<int[]> second, int maximumOrder = 5)
    {
        if (first.Count == 0 || second.Count == 0)
        {
            throw new ArgumentException("MS-Jaccard needs two corpora with at least one sentence each.");
        }

        var index = new NGramIndex(maximumOrder);
        List<long>[] countsOfFirst = Count(first, index), countsOfSecond = Count(second, index);
        double[] scores = new double[maximumOrder];
        double logProduct = 0;
        for (int order = 0; order < maximumOrder; order++)
        {
            double intersection = 0, union = 0;
            for (int number = 0; number < index.Count(order + 1); number++)
            {
                double a = At(countsOfFirst[order], number) / first.Count, b = At(countsOfSecond[order], number) / second.Count;
                intersection += Math.Min(a, b);
                union += Math.Max(a, b);
            }

            logProduct += Math.Log(intersection / union);
            scores[order] = Math.Exp(logProduct / (order + 1));
        }

        return scores;
    }

    private static double At(List<long> counts, int number) => number < counts.Count ? counts[number] : 0;

    private static List<long>[] Count(IReadOnlyList<int[]> corpus, NGramIndex index)
    {
        var counts = new List<long>[index.MaximumOrder];
        for (int order = 0; order < counts.Length; order++)
        {
            counts[order] = [];
        }

        int[] numbers = new int[corpus.Max(sentence => sentence.Length)];
        foreach (int[] sentence in corpus)
        {
            for (int order = 1; order <= counts.Length; order++)
            {
                int positions = index.Advance(order, sentence, numbers, add: true);
                List<long> ofOrder = counts[order - 1];
                foreach (int number in numbers.AsSpan(0, positions))
                {
                    while (ofOrder.Count <= number)
                    {
                        ofOrder.Add(0);
                    }

                    ofOrder[number]++;
                }
            }
        }

        return counts;
    }
}
