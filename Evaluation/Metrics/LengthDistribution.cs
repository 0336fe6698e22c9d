namespace GumbelGan.Evaluation.Metrics;

/// <summary>Distances between the length distributions of two corpora; lengths are in tokens, without padding or end marks.</summary>
public static class LengthDistribution
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "length", "length", Better.Lower, inputs => inputs.References is not null,
        inputs => $"length distribution ({Metric.Count(inputs.Generated.Count, "sequence")} against {inputs.References!.Count})",
        "Distance between the distributions of lengths in tokens: total variation, and Wasserstein-1 in tokens.",
        inputs =>
        [
            new("total_variation", TotalVariation(inputs.Generated, inputs.References!)),
            new("wasserstein_1", Wasserstein1(inputs.Generated, inputs.References!)),
        ]);

    /// <summary>
    /// Total variation between the two histograms of lengths: half the sum of |p(l) - q(l)|; 0 when equal, 1 when no length is shared.
    /// </summary>
    /// <exception cref="ArgumentException">One of the corpora is empty.</exception>
    public static double TotalVariation(IReadOnlyList<int[]> first, IReadOnlyList<int[]> second)
    {
        double[] differences = Differences(first, second);
        return differences.Sum(Math.Abs) / 2;
    }

    /// <summary>
    /// Wasserstein-1 (earth mover's) distance in tokens: the sum over lengths of |F(l) - G(l)|, F and G the cumulative distributions.
    /// </summary>
    /// <exception cref="ArgumentException">One of the corpora is empty.</exception>
    public static double Wasserstein1(IReadOnlyList<int[]> first, IReadOnlyList<int[]> second)
    {
        double cumulative = 0, distance = 0;
        foreach (double difference in Differences(first, second))
        {
            cumulative += difference;
            distance += Math.Abs(cumulative);
        }

        return distance;
    }

    private static double[] Differences(IReadOnlyList<int[]> first, IReadOnlyList<int[]> second)
    {
        if (first.Count == 0 || second.Count == 0)
        {
            throw new ArgumentException("A distance between length distributions needs two corpora with at least one sequence each.");
        }

        double[] differences = new double[1 + Math.Max(first.Max(sequence => sequence.Length), second.Max(sequence => sequence.Length))];
        foreach (int[] sequence in first)
        {
            differences[sequence.Length] += 1.0 / first.Count;
        }

        foreach (int[] sequence in second)
        {
            differences[sequence.Length] -= 1.0 / second.Count;
        }

        return differences;
    }
}
