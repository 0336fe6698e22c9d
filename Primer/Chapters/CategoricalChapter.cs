using GumbelGan.Evaluation.Report;
using GumbelGan.Randomness;

namespace GumbelGan.Primer.Chapters;

/// <summary>The Gumbel-max trick: the largest of logits + Gumbel noise is a draw from their softmax. With other noise it is not.</summary>
internal static class CategoricalChapter
{
    private const int Draws = 1_000_000;

    // The probability of each outcome.
    private static readonly double[] _probabilities = [0.4, 0.25, 0.2, 0.1, 0.05];

    public static Chapter Entry { get; } = new("categorical", "How does noise choose?", Measure);

    private static void Measure(Notebook notebook)
    {
        RandomKey key = notebook.Key;
        long[] gumbel = CountWinners(row => GumbelNoise.Fill(key, row.Number, row.Noise));

        // Normal noise with the standard deviation of Gumbel noise.
        float width = (float)(Math.PI / Math.Sqrt(6));
        long[] normal = CountWinners(row =>
        {
            RandomFill.Normal(key.Derive(row.Number), row.Noise);
            for (int i = 0; i < row.Noise.Length; i++)
            {
                row.Noise[i] *= width;
            }
        });
        ChiSquareTest right = ChiSquareTest.Of(gumbel, _probabilities), wrong = ChiSquareTest.Of(normal, _probabilities);
        notebook.Number("draws", Draws);
        notebook.Number("chi_square", right.Statistic);
        notebook.Number("p_value", right.PValue);
        notebook.Number("chi_square_normal_noise", wrong.Statistic);
        notebook.Number("p_value_normal_noise", wrong.PValue);
        string[][] rows = [.. _probabilities.Select((p, i) => Numbers.Row($"{i + 1}", "0.0000", p, Share(gumbel[i]), Share(normal[i])))];
        notebook.Table("frequencies", [["outcome", "softmax", "with Gumbel noise", "with normal noise"], .. rows]);
        double[] outcomes = [.. _probabilities.Select((_, i) => i + 1.0)];
        notebook.Chart("frequencies_chart", new LineChart("How often each outcome is drawn", "outcome",
        [
            new ChartLine("with Gumbel noise", outcomes, [.. gumbel.Select(Share)]) { Form = LineForm.Bars },
            new ChartLine("with normal noise", outcomes, [.. normal.Select(Share)]) { Form = LineForm.Points },
            new ChartLine("softmax", outcomes, _probabilities) { Form = LineForm.Points },
        ]));
    }

    // Adds noise to the logits, takes the largest, and counts which it was.
    private static long[] CountWinners(Action<(ulong Number, float[] Noise)> fill)
    {
        float[] logits = [.. _probabilities.Select(p => (float)Math.Log(p))], noise = new float[logits.Length];
        long[] counts = new long[logits.Length];
        for (int draw = 0; draw < Draws; draw++)
        {
            fill(((ulong)draw, noise));
            int winner = 0;
            for (int i = 1; i < logits.Length; i++)
            {
                winner = logits[i] + noise[i] > logits[winner] + noise[winner] ? i : winner;
            }

            counts[winner]++;
        }

        return counts;
    }

    private static double Share(long count) => (double)count / Draws;
}
