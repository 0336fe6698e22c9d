using GumbelGan.Evaluation.Report;
using GumbelGan.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Primer.Chapters;

/// <summary>
/// Two estimates of d/dm E x^2 for x normal with mean m and variance 1, beside their closed forms: score function and reparameterisation. And why a
/// choice has no gradient of the second kind.
/// </summary>
internal static class ReparameterisationChapter
{
    private const int Draws = 200_000, Spotlight = 2;
    private static readonly double[] _means = [0, 0.5, 1, 1.5, Spotlight, 3, 4];

    public static Chapter Entry { get; } = new("reparameterisation", "How does a gradient pass a random node?", Measure);

    private static void Measure(Notebook notebook)
    {
        using DisposeScope everything = NewDisposeScope();
        var score = new List<(double Mean, double Variance)>();
        var pathwise = new List<(double Mean, double Variance)>();
        foreach (double mean in _means)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor noise = Draw.Normal(notebook.Key, Draws); // [draws]
            Tensor location = full([Draws], mean).requires_grad_(); // [draws], one m a draw, so that each has its own gradient
            Tensor loss = (location + noise).square(); // [draws]
            loss.sum().backward();
            pathwise.Add(Moments(location.grad!));

            // d/dm ln N(x; m, 1) = x - m, which is the noise.
            score.Add(Moments(loss.detach() * noise));
        }

        int spot = Array.IndexOf(_means, Spotlight);
        notebook.Number("draws", Draws);
        notebook.Number("gradient_exact", 2 * Spotlight);
        notebook.Number("score_mean", score[spot].Mean);
        notebook.Number("score_variance", score[spot].Variance);
        notebook.Number("score_variance_exact", ScoreVariance(Spotlight));
        notebook.Number("pathwise_mean", pathwise[spot].Mean);
        notebook.Number("pathwise_variance", pathwise[spot].Variance);
        notebook.Number("pathwise_variance_exact", 4);
        notebook.Number("times_as_many_draws", score[spot].Variance / pathwise[spot].Variance);
        notebook.Chart("variance", new LineChart("Variance of the gradient of one draw", "m",
        [
            new ChartLine("score function, closed form", _means, [.. _means.Select(ScoreVariance)]),
            new ChartLine("pathwise, closed form", _means, [.. _means.Select(_ => 4.0)]),
            new ChartLine("score function, measured", _means, [.. score.Select(moments => moments.Variance)]) { Form = LineForm.Points },
            new ChartLine("pathwise, measured", _means, [.. pathwise.Select(moments => moments.Variance)]) { Form = LineForm.Points },
        ])
        { HasLogarithmicY = true });
        notebook.Chart("steps", Steps(notebook.Key.Derive("steps")));
    }

    // From the moments of a normal number: E e^2 = 1, E e^4 = 3, E e^6 = 15.
    private static double ScoreVariance(double m) => (m * m * m * m) + (14 * m * m) + 15;

    private static (double Mean, double Variance) Moments(Tensor values) => (values.mean().item<float>(), values.var(unbiased: true).item<float>());

    // Heads where logit + noise is larger for heads: a step for one draw, a staircase for the mean of ten, a smooth curve for all.
    private static LineChart Steps(RandomKey key)
    {
        double[] logits = [.. Enumerable.Range(0, 241).Select(i => -6 + (i / 20.0))];
        float[][] noise = [.. Enumerable.Range(0, 10).Select(draw => new float[2])];
        for (int draw = 0; draw < noise.Length; draw++)
        {
            GumbelNoise.Fill(key, (ulong)draw, noise[draw]);
        }

        double Heads(double logit, int draws) => noise.Take(draws).Average(pair => logit + pair[0] > pair[1] ? 1.0 : 0.0);
        return new LineChart("Heads or tails, the noise held still while the logit moves", "logit of heads",
        [
            new ChartLine("one draw", logits, [.. logits.Select(logit => Heads(logit, 1))]),
            new ChartLine("mean of ten draws", logits, [.. logits.Select(logit => Heads(logit, noise.Length))]),
            new ChartLine("probability of heads", logits, [.. logits.Select(logit => 1 / (1 + Math.Exp(-logit)))]),
        ]);
    }
}
