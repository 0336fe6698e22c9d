namespace GumbelGan.Evaluation;

/// <summary>How varied and how new a set of sequences is. All are pure functions of token ids, one array a sequence.</summary>
public static class Diversity
{
    /// <summary>
    /// Distinct n-grams over all n-grams of the set ("distinct-n", Li et al. 2016; Texygen's unique n-grams), n = 1..<paramref name="maximumOrder"/>.
    /// </summary>
    /// <returns>
    /// Index n-1 holds the ratio in [0, 1]; NaN where no sequence is n tokens long. The ratio falls as the set grows: compare equal counts only.
    /// </returns>
    public static double[] UniqueNGrams(IReadOnlyList<int[]> sequences, int maximumOrder = 5)
    {
        var index = new NGramIndex(maximumOrder);
        long[] all = new long[maximumOrder];
        int[] numbers = new int[LongestLength(sequences)];
        foreach (int[] sequence in sequences)
        {
            for (int order = 1; order <= maximumOrder; order++)
            {
                all[order - 1] += index.Advance(order, sequence, numbers, add: true);
            }
        }

        return [.. all.Select((total, order) => total == 0 ? double.NaN : (double)index.Count(order + 1) / total)];
    }

    /// <summary>The share of sequences that repeat an earlier sequence of the same set: 1 - distinct / all.</summary>
    /// <exception cref="ArgumentException">The set is empty.</exception>
    public static double DuplicateRate(IReadOnlyList<int[]> sequences)
    {
        RequireAny(sequences);
        return 1 - ((double)new HashSet<int[]>(sequences, SequenceEquality.Instance).Count / sequences.Count);
    }

    /// <summary>The share of sequences, duplicates counted, that do not occur in the <paramref name="training"/> set word for word.</summary>
    /// <exception cref="ArgumentException">The set is empty.</exception>
    public static double NoveltyRate(IReadOnlyList<int[]> sequences, IReadOnlyList<int[]> training)
    {
        RequireAny(sequences);
        var known = new HashSet<int[]>(training, SequenceEquality.Instance);
        return (double)sequences.Count(sequence => !known.Contains(sequence)) / sequences.Count;
    }

    /// <summary>Entropy of the pooled token frequencies, plug-in estimate, nats per token. NaN without tokens.</summary>
    public static double TokenEntropy(IReadOnlyList<int[]> sequences)
    {
        var counts = new Dictionary<int, long>();
        long total = 0;
        foreach (int[] sequence in sequences)
        {
            foreach (int token in sequence)
            {
                counts[token] = counts.GetValueOrDefault(token) + 1;
                total++;
            }
        }

        return total == 0 ? double.NaN : counts.Values.Sum(count => -(double)count / total * Math.Log((double)count / total));
    }

    /// <summary>
    /// The share of tokens that already occur among the <paramref name="window"/> tokens before them in the same sequence; a model stuck in
    /// a loop has a rate near 1. NaN if no token has a predecessor.
    /// </summary>
    /// <param name="sequences">Token ids.</param>
    /// <param name="window">How far to look back, in tokens; 1 counts immediate repetitions only.</param>
    public static double RepetitionRate(IReadOnlyList<int[]> sequences, int window = 16)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(window);
        long repeated = 0, followers = 0;
        foreach (int[] sequence in sequences)
        {
            for (int position = 1; position < sequence.Length; position++)
            {
                followers++;
                if (sequence.AsSpan(Math.Max(0, position - window)..position).Contains(sequence[position]))
                {
                    repeated++;
                }
            }
        }

        return followers == 0 ? double.NaN : (double)repeated / followers;
    }

    private static int LongestLength(IReadOnlyList<int[]> sequences) => sequences.Count == 0 ? 0 : sequences.Max(sequence => sequence.Length);

    private static void RequireAny(IReadOnlyList<int[]> sequences)
    {
        if (sequences.Count == 0)
        {
            throw new ArgumentException("A rate needs at least one sequence.", nameof(sequences));
        }
    }
}
