using System.Globalization;
using System.Text;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Randomness;

namespace GumbelGan.Tests.Evaluation;

/// <summary>Run folders with invented numbers, in a temporary folder that goes when the test ends.</summary>
internal sealed class MadeUpRuns : IDisposable
{
    public static readonly string[] Methods = ["mle", "gumbel", "reinforce"];

    public string Folder { get; } = Directory.CreateTempSubdirectory("gumbelgan-runs-").FullName;

    /// <summary>Three seeds of three methods, the last of "reinforce" collapsed; every number is a function of method and seed.</summary>
    public string[] ThreeByThree() =>
        [.. Methods.SelectMany(method => Enumerable.Range(1, 3).Select(seed => Write(Evaluation(method, (ulong)seed))))];

    public static double Bleu4(string method, ulong seed) =>
        (method switch { "mle" => 0.30, "gumbel" => 0.34, _ => 0.25 }) + (0.01 * Math.Sin((method[0] * 7.0) + seed));

    public static EvaluationDocument Evaluation(string method, ulong seed)
    {
        double bleu = Bleu4(method, seed);
        Dictionary<string, double?> Metrics(double shift) => new()
        {
            ["bleu/4"] = bleu + shift,
            ["self_bleu/4"] = 0.2 + bleu + (shift * (method == "gumbel" ? 2.5 : 1.2)) + (shift * shift * 8),
            ["nll/test"] = 2.5 - bleu,
            ["diversity/novelty"] = 0.9,
            ["divergence/kl_true_model"] = null,
        };
        SweepPoint[] Sweep(double shift) =>
            [.. new[] { 0.5, 0.75, 1, 1.25 }.Select(temperature => new SweepPoint(temperature, Metrics(shift + ((1 - temperature) * 0.2))))];
        string[] Samples(string checkpoint) => [$"a {checkpoint} {method} sentence of seed {seed} .", "a man riding a wave on top of a surfboard .",
            "<script>alert('from a sample')</script> & \"quotes\""];
        return new EvaluationDocument
        {
            Method = method,
            Seed = seed,
            Status = method == "reinforce" && seed == 3 ? RunOutcome.Collapsed : RunOutcome.Completed,
            StatusReason = method == "reinforce" && seed == 3 ? "Its samples hold 3 distinct sequences." : null,
            CorpusHash = "c0ffee",
            VocabularyHash = "beef",
            Parameters = new ParameterCounts(12345, method == "mle" ? 0 : 6789),
            Budget = new RunBudget("updates", 500, 500, method == "mle" ? 32000 : 64000, (method == "mle" ? 10 : 20) + (0.5 * seed)),
            SplitHash = "5911",
            Commit = "abc123",
            Configuration = Configuration(method, seed, "64"),
            Last = new CheckpointMetrics(500, Metrics(-0.02)) { Sweep = Sweep(-0.02), Samples = Samples("last") },
            Selected = new CheckpointMetrics(400, Metrics(0), "nll/validation") { Sweep = Sweep(0), Samples = Samples("selected") },
            References = new Dictionary<string, IReadOnlyDictionary<string, double?>>
            {
                ["held_out"] = new Dictionary<string, double?> { ["bleu/4"] = 0.306, ["self_bleu/4"] = 0.275, ["diversity/novelty"] = 1 },
                ["memoriser"] = new Dictionary<string, double?> { ["bleu/4"] = 0.307, ["self_bleu/4"] = 0.278, ["diversity/novelty"] = 0 },
            },
            MetricNames = new Dictionary<string,
                string>
            { ["bleu"] = "BLEU (1000 hypotheses, each against all 10000 references; NLTK smoothing method 1)" },
        };
    }

    public static Dictionary<string, string> Configuration(string method, ulong seed, string hidden) => new()
    {
        ["corpus"] = "captions.txt",
        ["seed"] = string.Create(CultureInfo.InvariantCulture, $"{seed}"),
        ["objective"] = method,
        ["generator.hidden"] = hidden,
        ["recording.every"] = "10",
        ["recording.evaluate_every"] = "50",
    };

    /// <summary>Writes one run folder and returns it.</summary>
    public string Write(EvaluationDocument evaluation, string? name = null)
    {
        string folder = Path.Combine(Folder, name ?? string.Create(CultureInfo.InvariantCulture, $"{evaluation.Method}-{evaluation.Seed}"));
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, EvaluationDocument.FileName), evaluation.ToJson());
        Directory.CreateDirectory(Path.Combine(folder, "samples"));
        File.WriteAllText(Path.Combine(folder, "samples", "real.txt"), "a real line .\nanother & another .\n");
        foreach (int step in (int[])[0, 100, 500])
        {
            File.WriteAllText(Path.Combine(folder, "samples", string.Create(CultureInfo.InvariantCulture, $"{step:D6}.txt")),
                string.Create(CultureInfo.InvariantCulture, $"written at step {step} by {evaluation.Method}\n<b>bold</b>\n"));
        }

        var random = new RandomStream(new RandomKey(evaluation.Seed).Derive(evaluation.Method));
        double level = 2 + (0.3 * Array.IndexOf(Methods, evaluation.Method));
        var lines = new StringBuilder();
        for (int step = 0; step <= 500; step += 10)
        {
            double noise = random.NextDouble() - 0.5;
            lines.Append(CultureInfo.InvariantCulture,
                $"{{\"step\": {step}, \"phase\": \"train\", \"loss/generator\": {level + Math.Exp(-step / 200.0) + (0.3 * noise):R}");
            if (step % 50 == 0)
            {
                lines.Append(CultureInfo.InvariantCulture, $", \"nll/validation\": {level + (2 * Math.Exp(-step / 100.0)) + (0.2 * noise):R}");
            }

            lines.Append("}\n");
        }

        File.WriteAllText(Path.Combine(folder, "metrics.jsonl"), lines.Append("{\"step\": 510, \"loss/gen").ToString());
        return folder;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
