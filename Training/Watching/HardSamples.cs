using GumbelGan.Evaluation;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Watching;

/// <summary>Hard samples of a generator, drawn in batches as they are asked for.</summary>
public static class HardSamples
{
    private const int BatchSize = 256;

    /// <summary>Draws sequences; who stops asking has drawn no more than a batch in vain.</summary>
    /// <param name="generator">Draws them.</param>
    /// <param name="count">How many.</param>
    /// <param name="rule">Temperature and truncation.</param>
    /// <param name="key">Keys the draws.</param>
    /// <param name="prefix">What each begins with; null for nothing.</param>
    /// <returns>[T] each, padding after the end token.</returns>
    public static IEnumerable<int[]> Draw(IGenerator generator, int count, SamplingRule rule, RandomKey key, IReadOnlyList<int>? prefix = null)
    {
        int drawn = 0;
        for (ulong batch = 0; drawn < count; batch++)
        {
            int[][] rows = Batch(generator, Math.Min(BatchSize, count - drawn), rule, key.Derive(batch), prefix);
            drawn += rows.Length;
            foreach (int[] row in rows)
            {
                yield return row;
            }
        }
    }

    private static int[][] Batch(IGenerator generator, int count, SamplingRule rule, RandomKey key, IReadOnlyList<int>? prefix)
    {
        using DisposeScope scope = NewDisposeScope();
        return SequenceBatch.ToArrays(generator.Sample(count, rule, key, prefix));
    }
}
