using System.Globalization;
using GumbelGan.Evaluation.Report;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Primer.Chapters;

/// <summary>Relaxed samples at several temperatures, and how far the gradient through them is from the exact one: bias and variance.</summary>
/// <remarks>N draws, V outcomes.</remarks>
internal static class RelaxationChapter
{
    private const int Draws = 40_000, Shown = 150, Wanted = 4;
    private static readonly double[] _temperatures = [0.1, 0.2, 0.35, 0.6, 1, 1.7, 3, 5];
    private static readonly Relaxation[] _relaxations = [SoftRelaxation.Entry, StraightThroughRelaxation.Entry];

    // A die that is not fair, and the loss (number - 4)^2.
    private static readonly float[] _logits = [0.5f, 0, -0.5f, 0.2f, -0.2f, 0], _faces = [1, 2, 3, 4, 5, 6];

    public static Chapter Entry { get; } = new("relaxation", "What is the relaxation, and what does it cost?", Measure);

    private static void Measure(Notebook notebook)
    {
        using DisposeScope everything = NewDisposeScope();
        string[][] samples = [.. SampleRows(notebook.Key.Derive("samples"))];
        notebook.Table("samples", [["temperature", "one sample", "largest entry, mean over all samples"], .. samples]);
        notebook.Chart("simplex", Simplex(notebook.Key.Derive("simplex")));
        Tensor exact = ExactGradient(); // [V]
        notebook.Number("draws", Draws);
        foreach ((int face, float slope) in exact.data<float>().ToArray().Index())
        {
            notebook.Number($"gradient_{face + 1}", slope);
        }

        List<ChartLine> bias = [], deviation = [];
        foreach (Relaxation relaxation in _relaxations)
        {
            string name = relaxation.Name.Replace('_', '-');
            Curve biases = new(name), deviations = new(name);
            foreach (double temperature in _temperatures)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor gradients = Gradients(relaxation, temperature, notebook.Key.Derive("gradients")); // [N, V]
                biases.Add(temperature, Bias(gradients, exact));
                deviations.Add(temperature, Deviation(gradients, exact));
                string at = string.Create(CultureInfo.InvariantCulture, $"{relaxation.Name}_{temperature * 100:000}");
                notebook.Number($"bias_{at}", biases.Last);
                notebook.Number($"deviation_{at}", deviations.Last);
                notebook.Number($"cosine_{at}", nn.functional.cosine_similarity(gradients.mean([0]), exact, 0).item<float>());
            }

            bias.Add(biases.Line);
            deviation.Add(deviations.Line);
        }

        Tensor scores = ScoreFunction(notebook.Key.Derive("gradients")); // [N, V]
        notebook.Number("bias_score_function", Bias(scores, exact));
        notebook.Number("deviation_score_function", Deviation(scores, exact));
        notebook.Number("standard_error_score_function", Deviation(scores, exact) / Math.Sqrt(Draws));
        deviation.Add(new ChartLine("score function (no temperature)", _temperatures, [.. _temperatures.Select(_ => Deviation(scores, exact))]));
        notebook.Chart("bias", Logarithmic("Bias of the gradient, relative to the exact one", bias));
        notebook.Chart("deviation", Logarithmic("Standard deviation of one draw's gradient, likewise", deviation));
    }

    private static double Bias(Tensor gradients, Tensor exact) => ((gradients.mean([0]) - exact).norm() / exact.norm()).item<float>();

    private static double Deviation(Tensor gradients, Tensor exact) => (gradients.var(0).sum().sqrt() / exact.norm()).item<float>();

    private static LineChart Logarithmic(string title, IReadOnlyList<ChartLine> lines) =>
        new(title, "temperature", lines) { HasLogarithmicX = true, HasLogarithmicY = true };

    // d/d logit_k of sum_i p_i f_i = p_k (f_k - mean f): the truth, by enumeration.
    private static Tensor ExactGradient()
    {
        Tensor probabilities = tensor(_logits).softmax(0), losses = (tensor(_faces) - Wanted).square(); // [V] each
        return probabilities * (losses - (probabilities * losses).sum());
    }

    // Every draw has a copy of the logits, so that it gets its own gradient.
    private static Tensor Gradients(Relaxation relaxation, double temperature, RandomKey key)
    {
        Tensor logits = tensor(_logits).repeat(Draws, 1).requires_grad_(); // [N, V]
        Tensor sample = GumbelSoftmax.Sample(logits, GumbelSoftmax.Noise(key, Draws, _logits.Length), temperature, relaxation); // [N, V]
        (sample.mv(tensor(_faces)) - Wanted).square().sum().backward();
        return logits.grad!;
    }

    // f(i) d/d logits ln p_i = f(i) (one-hot(i) - p) for a draw i: unbiased, but of high variance.
    private static Tensor ScoreFunction(RandomKey key)
    {
        Tensor winners = (tensor(_logits) + GumbelSoftmax.Noise(key, Draws, _logits.Length)).argmax(1); // [N]
        Tensor losses = (tensor(_faces)[winners] - Wanted).square(); // [N]
        return losses.unsqueeze(1) * (GumbelSoftmax.OneHot(winners, _logits.Length) - tensor(_logits).softmax(0)); // [N, V]
    }

    private static IEnumerable<string[]> SampleRows(RandomKey key)
    {
        Tensor logits = tensor([1f, 0, 0]), noise = GumbelSoftmax.Noise(key, Draws, 3); // [3], [N, 3]
        foreach (double temperature in (double[])[5, 1, 0.5, 0.1])
        {
            Tensor samples = GumbelSoftmax.Sample(logits, noise, temperature); // [N, 3]
            string first = string.Join(", ", Numbers.Row("", "0.00", samples[0].data<float>().ToArray())[1..]);
            string heading = temperature.ToString(CultureInfo.InvariantCulture);
            yield return [heading, $"({first})", .. Numbers.Row("", "0.000", samples.amax([1]).mean().item<float>())[1..]];
        }
    }

    // A relaxed sample of three outcomes is a point in a triangle whose corners are the one-hot vectors.
    private static LineChart Simplex(RandomKey key)
    {
        ChartLine Cloud(double temperature)
        {
            float[] samples = GumbelSoftmax.Sample(tensor([1f, 0, 0]), GumbelSoftmax.Noise(key, Shown, 3), temperature).data<float>().ToArray();
            (double X, double Y)[] points =
                [.. samples.Chunk(3).Select(y => (X: y[1] + (y[2] / 2.0), Y: y[2] * Math.Sqrt(0.75))).OrderBy(point => point.X)];
            string name = string.Create(CultureInfo.InvariantCulture, $"temperature {temperature}");
            return new ChartLine(name, [.. points.Select(point => point.X)], [.. points.Select(point => point.Y)]) { Form = LineForm.Points };
        }

        var edge = new ChartLine("edge of the triangle", [0, 0.5, 1], [0, Math.Sqrt(0.75), 0]);
        ChartLine[] lines = [Cloud(5), Cloud(1), Cloud(0.1), edge];
        return new LineChart("Relaxed samples of three outcomes; left the likeliest, of probability 0.58", "", lines);
    }
}
