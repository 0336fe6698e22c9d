using Tensorboard;
using TorchSharp.Utils.tensorboard.Enums;

namespace TorchSharp.Tensorboard;

/// <summary>Counts values into bins and packs the counts as PyTorch's make_histogram does.</summary>
internal static class Histogram
{
    /// <summary>
    /// The message for <paramref name="values"/>. Bins are half open to the right, the last one closed; values outside all bins, and NaN,
    /// are counted in none.
    /// </summary>
    /// <param name="values">At least one number.</param>
    /// <param name="selector">How edges are chosen.</param>
    /// <param name="maximumBins">Neighbouring bins are joined until about so many are left; null keeps all.</param>
    /// <exception cref="ArgumentException">There is no value, or none falls into a bin.</exception>
    public static HistogramProto Make(ReadOnlySpan<double> values, HistogramBinSelector selector, long? maximumBins)
    {
        if (values.IsEmpty)
        {
            throw new ArgumentException("The input has no element.", nameof(values));
        }

        double[] edges = selector == HistogramBinSelector.Tensorflow ? ExponentialEdges() : EqualEdges(values, selector);
        double[] counts = Count(values, edges);
        if (maximumBins is { } most && counts.Length > most)
        {
            (counts, edges) = Join(counts, edges, (int)(counts.Length / most));
        }

        int first = Array.FindIndex(counts, count => count > 0);
        int last = Array.FindLastIndex(counts, count => count > 0);
        if (first < 0)
        {
            throw new ArgumentException("No element falls into a bin.", nameof(values));
        }

        var message = new HistogramProto { Min = double.PositiveInfinity, Max = double.NegativeInfinity, Num = values.Length };
        foreach (double value in values)
        {
            message.Min = Math.Min(message.Min, value);
            message.Max = Math.Max(message.Max, value);
            message.Sum += value;
            message.SumSquares += value * value;
        }

        // One empty bin stays on the left: a limit is a right edge, so the first counted bin's left edge would be lost without it.
        message.Bucket.Add(first > 0 ? counts[(first - 1)..first] : [0.0]);
        message.Bucket.Add(counts[first..(last + 1)]);
        message.BucketLimit.Add(edges[first..(last + 2)]);
        return message;
    }

    /// <summary>The edges of PyTorch and TensorFlow: 0 and +-1e-12 x 1.1^k below 1e20.</summary>
    internal static double[] ExponentialEdges()
    {
        var positive = new List<double>();
        for (double edge = 1e-12; edge < 1e20; edge *= 1.1)
        {
            positive.Add(edge);
        }

        return [.. Enumerable.Reverse(positive).Select(edge => -edge), 0.0, .. positive];
    }

    private static double[] Count(ReadOnlySpan<double> values, double[] edges)
    {
        double[] counts = new double[edges.Length - 1];
        foreach (double value in values)
        {
            if (value >= edges[0] && value <= edges[^1])
            {
                int place = Array.BinarySearch(edges, value);
                counts[Math.Min(place >= 0 ? place : ~place - 1, counts.Length - 1)]++;
            }
        }

        return counts;
    }

    private static (double[] Counts, double[] Edges) Join(double[] counts, double[] edges, int together)
    {
        double[][] groups = [.. counts.Chunk(together)];
        return ([.. groups.Select(group => group.Sum())], [.. groups.Select((_, index) => edges[index * together]), edges[^1]]);
    }

    private static double[] EqualEdges(ReadOnlySpan<double> values, HistogramBinSelector selector)
    {
        double least = double.PositiveInfinity;
        double greatest = double.NegativeInfinity;
        double mean = 0;
        foreach (double value in values)
        {
            least = Math.Min(least, value);
            greatest = Math.Max(greatest, value);
            mean += value / values.Length;
        }

        if (!double.IsFinite(greatest - least))
        {
            throw new ArgumentException("The range of the elements is not finite.", nameof(values));
        }

        double range = greatest - least;
        if (range == 0)
        {
            return [least - 0.5, least + 0.5];
        }

        double width = Width(values, selector, range, mean);
        int bins = width > 0 ? (int)Math.Ceiling(range / width) : 1;
        return Uniform(least, greatest, bins);
    }

    // numpy.histogram_bin_edges documents these estimators.
    private static double Width(ReadOnlySpan<double> values, HistogramBinSelector selector, double range, double mean)
    {
        double count = values.Length;
        double second = 0;
        double third = 0;
        foreach (double value in values)
        {
            double deviation = value - mean;
            second += deviation * deviation / count;
            third += deviation * deviation * deviation / count;
        }

        double deviationOfAll = Math.Sqrt(second);
        switch (selector)
        {
            case HistogramBinSelector.Sqrt:
                return range / Math.Sqrt(count);
            case HistogramBinSelector.Sturges:
                return range / (Math.Log2(count) + 1);
            case HistogramBinSelector.Rice:
                return range / (2 * Math.Cbrt(count));
            case HistogramBinSelector.Scott:
                return Math.Cbrt(24 * Math.Sqrt(Math.PI) / count) * deviationOfAll;
            case HistogramBinSelector.Doane:
                double skewnessError = Math.Sqrt(6 * (count - 2) / ((count + 1) * (count + 3)));
                double skewness = Math.Abs(third / (deviationOfAll * second));
                return count > 2 && deviationOfAll > 0 ? range / (1 + Math.Log2(count) + Math.Log2(1 + (skewness / skewnessError))) : 0;
            case HistogramBinSelector.Stone:
                return Stone(values, range);
            default:
                throw new ArgumentOutOfRangeException(nameof(selector));
        }
    }

    // The number of bins that minimises the leave-one-out estimate of the squared error.
    private static double Stone(ReadOnlySpan<double> values, double range)
    {
        double count = values.Length;
        double least = double.PositiveInfinity;
        foreach (double value in values)
        {
            least = Math.Min(least, value);
        }

        int best = 1;
        double bestLoss = double.PositiveInfinity;
        int most = Math.Max(100, (int)Math.Sqrt(count));
        for (int bins = 1; bins <= most; bins++)
        {
            double squares = Count(values, Uniform(least, least + range, bins)).Sum(inBin => inBin / count * (inBin / count));
            double loss = (2 - ((count + 1) * squares)) * bins / range;
            if (loss < bestLoss)
            {
                (best, bestLoss) = (bins, loss);
            }
        }

        return range / best;
    }

    private static double[] Uniform(double least, double greatest, int bins) =>
        [.. Enumerable.Range(0, bins).Select(index => least + (index * ((greatest - least) / bins))), greatest];
}
