using System.Globalization;
using GumbelGan.Evaluation.Report;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Primer.Chapters;

/// <summary>The logits of a die are trained by gradients through its throws: to match given frequencies, and to show a given number.</summary>
/// <remarks>N throws, V faces.</remarks>
internal static class TrainingChapter
{
    private const int Throws = 512, Steps = 400, Faces = 6, Every = 10;
    private static readonly float[] _wanted = [0.3f, 0.05f, 0.25f, 0.1f, 0.2f, 0.1f];
    private static readonly float[] _fair = [.. Enumerable.Repeat(1f / Faces, Faces)];
    private static readonly double[] _temperatures = [0.1, 0.3, 1, 3];
    private static readonly Relaxation[] _relaxations = [SoftRelaxation.Entry, StraightThroughRelaxation.Entry];

    public static Chapter Entry { get; } = new("training", "How are the weights of a die trained?", Measure);

    private static void Measure(Notebook notebook)
    {
        MatchFrequencies(notebook);
        MakeLossSmall(notebook);
        notebook.Code("code", "LoadedDie.cs");
    }

    private static void MatchFrequencies(Notebook notebook)
    {
        notebook.Number("distance_before", Distance(_fair));
        var curves = new List<ChartLine>();
        List<string[]> rows = [["face", .. Enumerable.Range(1, Faces).Select(face => $"{face}")], Numbers.Row("wanted", "0.000", _wanted)];
        foreach (Relaxation relaxation in _relaxations)
        {
            float[] learned = Match(relaxation, notebook.Key.Derive("match"), out Curve curve);
            curves.Add(curve.Line);
            rows.Add(Numbers.Row($"learned, {relaxation.Name.Replace('_', '-')}", "0.000", learned));
            notebook.Number($"distance_{relaxation.Name}", Distance(learned));
        }

        notebook.Table("matched", [.. rows]);
        notebook.Chart("matching", new LineChart("Distance from the wanted frequencies, temperature 1", "step", curves) { HasLogarithmicY = true });
    }

    private static void MakeLossSmall(Notebook notebook)
    {
        notebook.Number("loss_fair", LoadedDie.ExpectedLoss(_fair));
        var lines = new List<ChartLine>();
        foreach (Relaxation relaxation in _relaxations)
        {
            var losses = new Curve(relaxation.Name.Replace('_', '-'));
            foreach (double temperature in _temperatures)
            {
                losses.Add(temperature, LoadedDie.ExpectedLoss(LoadedDie.Train(relaxation, temperature, notebook.Key.Derive("die"))));
                notebook.Number(string.Create(CultureInfo.InvariantCulture, $"loss_{relaxation.Name}_{temperature * 100:000}"), losses.Last);
            }

            lines.Add(losses.Line);
        }

        notebook.Chart("die", new LineChart("What a throw of the trained die loses", "temperature of training", lines) { HasLogarithmicX = true });
    }

    // Makes the mean of many throws equal the wanted frequencies. The loss sees the throws alone, not the probabilities.
    private static float[] Match(Relaxation relaxation, RandomKey key, out Curve curve)
    {
        using DisposeScope everything = NewDisposeScope();
        curve = new Curve(relaxation.Name.Replace('_', '-'));
        Tensor wanted = tensor(_wanted); // [V]
        var logits = new Parameter(zeros(Faces)); // [V]
        using optim.Optimizer optimizer = optim.Adam([logits], lr: 0.02);
        for (int step = 0; step <= Steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            if (step % Every == 0)
            {
                curve.Add(step, Distance(Probabilities(logits)));
            }

            Tensor noise = GumbelSoftmax.Noise(key.Derive((ulong)step), Throws, Faces); // [N, V]
            Tensor thrown = GumbelSoftmax.Sample(logits, noise, temperature: 1, relaxation); // [N, V]
            Tensor loss = (thrown.mean([0]) - wanted).square().sum();
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }

        return Probabilities(logits);
    }

    private static float[] Probabilities(Tensor logits) => logits.softmax(0).data<float>().ToArray();

    // The total variation distance: the largest difference between the two probabilities of a set of faces.
    private static double Distance(float[] probabilities) => probabilities.Zip(_wanted, (p, wanted) => Math.Abs(p - wanted)).Sum() / 2;
}
