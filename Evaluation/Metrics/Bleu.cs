namespace GumbelGan.Evaluation.Metrics;

/// <summary>
/// Sentence BLEU averaged over hypotheses, and self-BLEU; equal to NLTK's sentence_bleu with smoothing method 1 (see <see cref="BleuReferences"/>).
/// </summary>
public static class Bleu
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "bleu", "bleu", Better.Higher, inputs => inputs.References is not null,
        inputs => $"BLEU ({Metric.Count(inputs.Generated.Count, "hypothesis", "hypotheses")}, each against "
            + $"all {Metric.Count(inputs.References!.Count, "reference")}; NLTK smoothing method 1)",
        "BLEU-n (Papineni et al. 2002) per sentence with uniform weights over 1..n-grams, equal to NLTK's sentence_bleu with "
            + "SmoothingFunction().method1, averaged over hypotheses; all of the reference corpus serves every hypothesis.",
        inputs => MetricValue.FromBigrams(Average(inputs.Generated, inputs.References!, Metric.MaximumOrder, inputs.Threads)))
    {
        Shown = ["2", "3", "4", "5"],
        WhileTraining = ["2", "3", "4", "5"],
        Quality = "4",
    };

    /// <summary>
    /// BLEU-1..BLEU-<paramref name="maximumOrder"/> of every hypothesis against all of <paramref name="references"/>, averaged over hypotheses.
    /// </summary>
    /// <param name="hypotheses">Token ids, one array a sentence; at least one.</param>
    /// <param name="references">The shared reference corpus; at least one sentence.</param>
    /// <param name="maximumOrder">The longest n-gram, in tokens.</param>
    /// <param name="threads">How many threads score; -1 for one a core. The result does not depend on it.</param>
    /// <returns>BLEU-n at index n-1, in [0, 1]; [maximumOrder].</returns>
    /// <exception cref="ArgumentException">One of the two lists is empty.</exception>
    public static double[] Average(IReadOnlyList<int[]> hypotheses, IReadOnlyList<int[]> references, int maximumOrder = 5, int threads = -1)
    {
        var corpus = new BleuReferences(references, maximumOrder);
        return Average(hypotheses, corpus, corpus.Score, threads);
    }

    /// <summary>
    /// Self-BLEU (Zhu et al. 2018, "Texygen"), each sentence against all the others: a hypothesis is never among its own references,
    /// which Texygen's code overlooks. Higher means less diverse.
    /// </summary>
    /// <param name="sentences">Token ids, one array a sentence; at least two.</param>
    /// <param name="maximumOrder">The longest n-gram, in tokens.</param>
    /// <param name="threads">How many threads score; -1 for one a core. The result does not depend on it.</param>
    /// <returns>Self-BLEU-n at index n-1, in [0, 1]; [maximumOrder].</returns>
    /// <exception cref="ArgumentException">There are fewer than two sentences.</exception>
    public static double[] AverageSelf(IReadOnlyList<int[]> sentences, int maximumOrder = 5, int threads = -1)
    {
        if (sentences.Count < 2)
        {
            throw new ArgumentException("Self-BLEU needs at least two sentences.", nameof(sentences));
        }

        var corpus = new BleuReferences(sentences, maximumOrder);
        return Average(sentences, corpus, corpus.ScoreAgainstOthers, threads);
    }

    private delegate void Scorer(ReadOnlySpan<int> hypothesis, Span<double> bleu);

    private static double[] Average(IReadOnlyList<int[]> hypotheses, BleuReferences corpus, Scorer score, int threads)
    {
        if (hypotheses.Count == 0)
        {
            throw new ArgumentException("BLEU needs at least one hypothesis.", nameof(hypotheses));
        }

        int orders = corpus.MaximumOrder;
        double[] scores = new double[hypotheses.Count * orders]; // [N, orders]
        Parallel.For(
            0,
            hypotheses.Count,
            new ParallelOptions { MaxDegreeOfParallelism = threads },
            sentence => score(hypotheses[sentence], scores.AsSpan(sentence * orders, orders)));

        // Summed in sentence order, so that the thread count cannot change the last bit.
        double[] mean = new double[orders];
        for (int sentence = 0; sentence < hypotheses.Count; sentence++)
        {
            for (int order = 0; order < orders; order++)
            {
                mean[order] += scores[(sentence * orders) + order];
            }
        }

        for (int order = 0; order < orders; order++)
        {
            mean[order] /= hypotheses.Count;
        }

        return mean;
    }
}
