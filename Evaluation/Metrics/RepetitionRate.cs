namespace GumbelGan.Evaluation.Metrics;

/// <summary>How often a sequence says again what it has just said.</summary>
public static class RepetitionRate
{
    private const int Window = 16;

    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "repetition", "diversity/repetition", Better.Neither, _ => true,
        inputs => $"repetition rate ({Metric.Count(inputs.Generated.Count, "sequence")}, window {Window} tokens)",
        FormattableString.Invariant(
            $"Share of tokens, first of a sequence excepted, that already occur among the {Window} tokens before them in the same sequence."),
        inputs => [new("", Of(inputs.Generated, Window))]);

    /// <summary>
    /// The share of tokens that already occur among the <paramref name="window"/> tokens before them in the same sequence; a model stuck in
    /// a loop has a rate near 1. NaN if no token has a predecessor.
    /// </summary>
    /// <param name="sequences">Token ids.</param>
    /// <param name="window">How far to look back, in tokens; 1 counts immediate repetitions only.</param>
    public static double Of(IReadOnlyList<int[]> sequences, int window = Window)
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
}
