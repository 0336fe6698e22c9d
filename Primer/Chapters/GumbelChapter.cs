using GumbelGan.Evaluation.Report;
using GumbelGan.Randomness;

namespace GumbelGan.Primer.Chapters;

/// <summary>Gumbel noise beside its closed forms: density, mean, variance, and the distribution of the largest of several.</summary>
internal static class GumbelChapter
{
    private const int Rows = 1000, Columns = 1000, Group = 10, Slices = 50, Bars = 48;
    private const double Lowest = -3, BarWidth = 0.25;

    public static Chapter Entry { get; } = new("gumbel", "What is Gumbel noise?", Measure);

    private static void Measure(Notebook notebook)
    {
        double[] noise = Draw(notebook.Key);
        double mean = noise.Average();
        notebook.Number("draws", noise.Length);
        notebook.Number("mean", mean);
        notebook.Number("mean_exact", EulerGamma);
        notebook.Number("variance", noise.Average(x => (x - mean) * (x - mean)));
        notebook.Number("variance_exact", Math.PI * Math.PI / 6);

        // If F is the distribution of x, F(x) is uniform, and each slice of 0 to 1 should get equally many draws.
        long[] counts = new long[Slices];
        foreach (double x in noise)
        {
            counts[Math.Min(Slices - 1, (int)(Slices * Distribution(x)))]++;
        }

        var test = ChiSquareTest.Of(counts, [.. Enumerable.Repeat(1.0 / Slices, Slices)]);
        notebook.Number("chi_square", test.Statistic);
        notebook.Number("p_value", test.PValue);

        // The largest of ten is again Gumbel, moved by ln 10.
        double[] largest = [.. noise.Chunk(Group).Select(group => group.Max())];
        notebook.Number("largest_mean", largest.Average());
        notebook.Number("largest_mean_exact", EulerGamma + Math.Log(Group));

        double[] middles = [.. Enumerable.Range(0, Bars).Select(bar => Lowest + (bar + 0.5) * BarWidth)];
        notebook.Chart("density", new LineChart("Gumbel noise: histogram of our draws and the closed form", "x",
        [
            new ChartLine("our noise", middles, Histogram(noise)) { Form = LineForm.Bars },
            new ChartLine("exp(-x - exp(-x))", middles, [.. middles.Select(Density)]),
            new ChartLine("the largest of ten", middles, Histogram(largest)) { Form = LineForm.Points },
        ]));
    }

    private static double EulerGamma => 0.57721566490153286;

    private static double Distribution(double x) => Math.Exp(-Math.Exp(-x));

    private static double Density(double x) => Math.Exp(-x - Math.Exp(-x));

    private static double[] Draw(RandomKey key)
    {
        double[] noise = new double[Rows * Columns];
        float[] row = new float[Columns];
        for (int i = 0; i < Rows; i++)
        {
            GumbelNoise.Fill(key, (ulong)i, row);
            for (int j = 0; j < Columns; j++)
            {
                noise[(i * Columns) + j] = row[j];
            }
        }

        return noise;
    }

    // The density of the draws in each bar: their share, divided by the bar's width.
    private static double[] Histogram(double[] draws)
    {
        double[] heights = new double[Bars];
        foreach (double x in draws)
        {
            int bar = (int)Math.Floor((x - Lowest) / BarWidth);
            if (bar is >= 0 and < Bars)
            {
                heights[bar] += 1 / (draws.Length * BarWidth);
            }
        }

        return heights;
    }
}
