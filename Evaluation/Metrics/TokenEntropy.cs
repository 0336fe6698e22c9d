namespace GumbelGan.Evaluation.Metrics;

/// <summary>How evenly tokens are used.</summary>
public static class TokenEntropy
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "token_entropy", "diversity/token_entropy", Better.Neither, _ => true,
        inputs => $"token entropy ({Metric.Count(inputs.Generated.Count, "sequence")} pooled)",
        "Entropy of the pooled token frequencies, plug-in estimate, nats per token.",
        inputs => [new("", Of(inputs.Generated))])
    {
        WhileTraining = [""],
    };

    /// <summary>Entropy of the pooled token frequencies, plug-in estimate, nats per token. NaN without tokens.</summary>
    public static double Of(IReadOnlyList<int[]> sequences)
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
}
