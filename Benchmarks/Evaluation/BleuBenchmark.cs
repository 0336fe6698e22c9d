using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Metrics;

namespace GumbelGan.Benchmarks.Evaluation;

/// <summary>
/// Sets our BLEU beside NLTK's in one run on the same cores. NLTK's time is linear in the hypotheses, so it scores fewer and the ratio is per
/// hypothesis; ours includes reading the references, which is most of it, so scoring all of them is the fair unit.
/// </summary>
public static class BleuBenchmark
{
    /// <summary>Prints equality and the ratio of times.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="corpora">The folder with image_coco.txt and image_coco_test.txt.</param>
    /// <param name="nltkHypotheses">How many sentences NLTK scores; about 0.3 seconds each.</param>
    public static void Run(TextWriter output, string corpora, int nltkHypotheses = 60)
    {
        string trainingFile = Path.Combine(corpora, "image_coco.txt"), testFile = Path.Combine(corpora, "image_coco_test.txt");
        int cores = Environment.ProcessorCount;
        var words = new TextSequences(TextUnit.Word);
        List<int[]> training = words.Read(File.ReadLines(trainingFile)), test = words.Read(File.ReadLines(testFile));

        (double[] _, double seconds) = Best(() => Bleu.Average(training[..1000], test));
        (double[] few, _) = Best(() => Bleu.Average(training[..nltkHypotheses], test));
        JsonNode nltk = Nltk(trainingFile, testFile, nltkHypotheses, cores);
        double theirs = nltk["seconds"]!.GetValue<double>() * 1000 / nltkHypotheses;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"BLEU-2..5 of 1000 against {test.Count} on {cores} cores: {seconds:F3} s; "
            + $"NLTK {theirs:F0} s (from {nltkHypotheses}); {theirs / seconds:F0} times faster; largest difference {Difference(few, nltk):E1}"));

        (_, double selfSeconds) = Best(() => Bleu.AverageSelf(training));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"self-BLEU-2..5 of {training.Count}: {selfSeconds:F3} s"));
        (double[] self, _) = Best(() => Bleu.AverageSelf(training[..500]));
        JsonNode nltkSelf = Nltk(trainingFile, "-", 500, cores);
        output.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"self-BLEU-2..5 of 500: largest difference from NLTK {Difference(self, nltkSelf):E1}"));
    }

    private static (double[] Scores, double Seconds) Best(Func<double[]> measure)
    {
        double best = double.PositiveInfinity;
        double[] scores = [];
        for (int repeat = 0; repeat < 5; repeat++)
        {
            long began = Stopwatch.GetTimestamp();
            scores = measure();
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        return (scores, best);
    }

    private static double Difference(double[] ours, JsonNode nltk) =>
        ours[1..].Zip(nltk["bleu"]!.AsArray(), (mine, other) => Math.Abs(mine - other!.GetValue<double>())).Max();

    private static JsonNode Nltk(string hypotheses, string references, int count, int processes)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "Benchmarks", "Evaluation", "nltk_bleu.py");
        string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        using Process process =
            Process.Start(new ProcessStartInfo("/usr/bin/python3",
            [script, hypotheses, references, Text(count), Text(processes)])
            { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? JsonNode.Parse(output)! : throw new InvalidOperationException($"{script} ended with {process.ExitCode}.");
    }
}
