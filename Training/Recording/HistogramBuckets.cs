using Tensorboard;

namespace GumbelGan.Training.Recording;

/// <summary>
/// Histograms in TensorFlow's fixed exponential buckets, which need no second look at the values: edges at 0 and +-1e-12 x 1.1^k below
/// 1e20, half open to the right. TorchSharp's SummaryWriter uses the same edges by default.
/// </summary>
internal static class HistogramBuckets
{
    private const int KeyShift = 19;

    private static readonly double[] _magnitudes = Magnitudes();

    private static readonly double[] _edges = [.. Enumerable.Reverse(_magnitudes).Select(edge => -edge), 0.0, .. _magnitudes];

    // For each pattern of exponent and upper mantissa bits, the last edge at or below the smallest float that has it (-1 for none).
    private static readonly short[] _lastEdgeBelow = LastEdges();

    /// <summary>
    /// The histogram of <paramref name="values"/>. Values that are not finite are left out of it; finite ones beyond the last edge fall into the last
    /// bucket.
    /// </summary>
    public static HistogramProto Count(ReadOnlySpan<float> values)
    {
        int[] counts = new int[_edges.Length - 1];
        long number = 0;
        double sum = 0, squares = 0, least = double.PositiveInfinity, greatest = double.NegativeInfinity;
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                continue;
            }

            counts[Bucket(value)]++;
            number++;
            sum += value;
            squares += (double)value * value;
            least = Math.Min(least, value);
            greatest = Math.Max(greatest, value);
        }

        if (number == 0)
        {
            // One empty bucket: TensorBoard cannot draw a histogram that has none.
            return new HistogramProto { BucketLimit = { 0.0 }, Bucket = { 0.0 } };
        }

        // A limit is a bucket's right edge, so an empty bucket goes first to tell where the first counted one begins.
        int first = Math.Max(0, Array.FindIndex(counts, count => count > 0) - 1);
        int last = Array.FindLastIndex(counts, count => count > 0);
        var message = new HistogramProto { Min = least, Max = greatest, Num = number, Sum = sum, SumSquares = squares };
        for (int bucket = first; bucket <= last; bucket++)
        {
            message.BucketLimit.Add(_edges[bucket + 1]);
            message.Bucket.Add(counts[bucket]);
        }

        return message;
    }

    private static int Bucket(float value)
    {
        double magnitude = Math.Abs(value);
        int edge = _lastEdgeBelow[(BitConverter.SingleToInt32Bits(value) & int.MaxValue) >> KeyShift];
        int zero = _magnitudes.Length;
        if (value >= 0)
        {
            while (edge + 1 < _magnitudes.Length && _magnitudes[edge + 1] <= magnitude)
            {
                edge++;
            }

            return Math.Min(zero + 1 + edge, (2 * zero) - 1);
        }

        // Mirrored, a bucket is half open to the left, so an edge itself belongs to the next one.
        while (edge >= 0 && _magnitudes[edge] >= magnitude)
        {
            edge--;
        }

        while (edge + 1 < _magnitudes.Length && _magnitudes[edge + 1] < magnitude)
        {
            edge++;
        }

        return Math.Max(zero - 2 - edge, 0);
    }

    private static double[] Magnitudes()
    {
        var magnitudes = new List<double>();
        for (double edge = 1e-12; edge < 1e20; edge *= 1.1)
        {
            magnitudes.Add(edge);
        }

        return [.. magnitudes];
    }

    private static short[] LastEdges()
    {
        short[] edges = new short[1 << (31 - KeyShift)];
        short edge = -1;
        for (int key = 0; key < edges.Length; key++)
        {
            double smallest = BitConverter.Int32BitsToSingle(key << KeyShift);
            while (edge + 1 < _magnitudes.Length && _magnitudes[edge + 1] <= smallest)
            {
                edge++;
            }

            edges[key] = edge;
        }

        return edges;
    }
}
