using System.Globalization;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using Xunit;

namespace GumbelGan.Tests.Evaluation;

public sealed class RunComparisonTests
{
    private const double StudentQuantile = 4.302652729911275; // t(0.975) with 2 degrees of freedom, from tables.

    [Fact]
    public void Three_seeds_of_three_methods_print_the_intervals_of_an_independent_calculation()
    {
        using var made = new MadeUpRuns();
        RunComparison comparison = Compare(made.ThreeByThree());
        string text = Printed.Comparison(comparison);
        string best = text[text.IndexOf("Checkpoint selected", StringComparison.Ordinal)..text.IndexOf("Last checkpoint", StringComparison.Ordinal)];
        string line = Assert.Single(best.Split('\n'), row => row.StartsWith("bleu/4", StringComparison.Ordinal));
        foreach (string method in MadeUpRuns.Methods)
        {
            double a = MadeUpRuns.Bleu4(method, 1), b = MadeUpRuns.Bleu4(method, 2), c = MadeUpRuns.Bleu4(method, 3), mean = (a + b + c) / 3;
            // Variance by pairwise differences, not as the program computes it.
            double variance = (((a - b) * (a - b)) + ((a - c) * (a - c)) + ((b - c) * (b - c))) / 6;
            double half = StudentQuantile * Math.Sqrt(variance / 3);
            Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"{mean:F4} [{mean - half:F4}, {mean + half:F4}]"), line);
        }

        JsonNode ofGumbel = JsonNode.Parse(ComparisonJson.Render(comparison))!["methods"]!.AsArray()
            .Single(method => method!["name"]!.GetValue<string>() == "gumbel")!;
        Assert.Equal(new ulong[] { 1, 2, 3 }.Average(seed => MadeUpRuns.Bleu4("gumbel", seed)),
            ofGumbel["best"]!["bleu/4"]!["mean"]!.GetValue<double>(), 1e-12);

        // t with two degrees of freedom has the closed form p = 1 - |t| / sqrt(2 + t^2).
        foreach (MethodTest test in comparison.Tests.Where(test => test is { Tag: "bleu/4", Checkpoint: CheckpointChoice.Best }))
        {
            double[] differences = [.. new ulong[] { 1, 2, 3 }.Select(seed => MadeUpRuns.Bleu4(test.Method, seed) - MadeUpRuns.Bleu4("mle", seed))];
            double mean = differences.Sum() / 3, deviation = Math.Sqrt(differences.Sum(x => (x - mean) * (x - mean)) / 2),
                t = mean / (deviation / Math.Sqrt(3));
            Assert.Equal(MeanTest.Paired, test.Result.Kind);
            Assert.Equal(mean, test.Result.Difference, 1e-12);
            Assert.Equal(1 - (Math.Abs(t) / Math.Sqrt(2 + (t * t))), test.Result.PValue, 1e-9);
            Assert.Equal(mean / deviation, test.Result.EffectSize, 1e-9);
        }

        Assert.Equal(2 * 2 * 4, comparison.Tests.Count);
        Assert.All(comparison.Tests, test => Assert.InRange(test.HolmPValue, test.Result.PValue, Math.Min(1, 16 * test.Result.PValue)));
    }

    [Fact]
    public void Collapsed_and_failed_runs_are_counted_and_collapsed_ones_stay_in_the_mean()
    {
        using var made = new MadeUpRuns();
        RunEvaluation failed = MadeUpRuns.Evaluation("gumbel", 4)
            with
        { Status = RunOutcome.Failed, StatusReason = "The loss became NaN at step 7.", Last = null, Best = null };
        RunComparison comparison = Compare([.. made.ThreeByThree(), made.Write(failed)]);
        MethodSummary reinforce = comparison.Methods.Single(method => method.Name == "reinforce"),
            gumbel = comparison.Methods.Single(method => method.Name == "gumbel");
        Assert.Equal((2, 1, 0), (reinforce.Count(RunOutcome.Completed), reinforce.Count(RunOutcome.Collapsed), reinforce.Count(RunOutcome.Failed)));
        Assert.Equal((3, 0, 1), (gumbel.Count(RunOutcome.Completed), gumbel.Count(RunOutcome.Collapsed), gumbel.Count(RunOutcome.Failed)));
        Assert.Equal(3, reinforce.Best["bleu/4"].Count);
        Assert.Equal(3, gumbel.Best["bleu/4"].Count);
        Assert.Contains("n=3", Printed.Comparison(comparison));
    }

    [Fact]
    public void Rows_of_held_out_text_and_of_the_memoriser_stand_beside_the_methods()
    {
        using var made = new MadeUpRuns();
        RunComparison comparison = Compare(made.ThreeByThree());
        Assert.Equal(0, comparison.References["memoriser"]["diversity/novelty"].Mean);
        Assert.Equal(3, comparison.References["memoriser"]["diversity/novelty"].Count);
        string[] lines = Printed.Comparison(comparison).Split('\n');
        string header = lines.First(line => line.Contains("held out") && line.Contains("memoriser"));
        Assert.True(header.IndexOf("memoriser", StringComparison.Ordinal) < header.IndexOf("mle", StringComparison.Ordinal));
        Assert.Equal(["mle", "gumbel", "reinforce"], comparison.Methods.Select(method => method.Name));
    }

    [Fact]
    public void The_table_shows_that_a_collapsed_sampler_is_valid_and_far_from_the_truth()
    {
        // Sixteen equally likely strings: the honest method samples them all, the collapsed one repeats the first.
        double[] truth = [.. Enumerable.Repeat(1.0 / 16, 16)];
        long[] all = [.. Enumerable.Repeat(100L, 16)], one = [1600, .. new long[15]];
        using var made = new MadeUpRuns();
        string[] folders = [.. new[] { ("honest", all), ("collapsed", one) }.Select(method =>
        {
            var inputs = new MetricInputs { Generated = [[1]],
                Divergences = SampleDivergences.Estimate(truth, method.Item2, 0, new GumbelGan.Randomness.RandomKey(1), 50) };
            var metrics = RunEvaluation.Tagged(MetricCatalogue.Compute(inputs));
            RunEvaluation evaluation = MadeUpRuns.Evaluation(method.Item1, 1)
                with { Last = new CheckpointEvaluation(1, metrics), Best = new CheckpointEvaluation(1, metrics) };
            return made.Write(evaluation);
        })];
        string[] lines = Printed.Comparison(Compare(folders)).Split('\n');
        string header = lines.First(line => line.Contains("held out"));
        Assert.True(header.IndexOf("collapsed", StringComparison.Ordinal) < header.IndexOf("honest", StringComparison.Ordinal));
        Assert.Matches(@"^validity \(higher is better\) +- +- +1\.0000 \[one seed\] +1\.0000",
            lines.First(line => line.StartsWith("validity", StringComparison.Ordinal)));
        // log 16 = 2.7726 nats.
        Assert.Matches(@"^divergence/kl_model_true \(lower is better\) +- +- +2\.77\d\d \[one seed\] +0\.0000",
            lines.First(line => line.StartsWith("divergence/kl_model_true", StringComparison.Ordinal)));
    }

    public static readonly TheoryData<string, Func<RunEvaluation, RunEvaluation>> Mismatches = new()
    {
        { "corpus", run => run with { CorpusHash = "other" } },
        { "vocabulary", run => run with { VocabularyHash = "other" } },
        { "generator parameter count", run => run with { Parameters = run.Parameters with { Generator = 1 } } },
        { "discriminator parameter count", run => run with { Parameters = run.Parameters with { Discriminator = 1 } } },
        { "budget", run => run with { Budget = run.Budget with { Limit = 501 } } },
        { "definition of bleu", run => run with { MetricNames = new Dictionary<string, string> { ["bleu"] = "BLEU (100 hypotheses)" } } },
        { "seed 2 twice", run => run with { Seed = 2 } },
    };

    [Theory]
    [MemberData(nameof(Mismatches))]
    public void Runs_that_do_not_compare_are_refused_and_marked_if_forced(string named, Func<RunEvaluation, RunEvaluation> change)
    {
        using var made = new MadeUpRuns();
        string[] folders = made.ThreeByThree();
        folders[^1] = made.Write(change(MadeUpRuns.Evaluation("reinforce", 3)), "changed");
        var mistake = Assert.Throws<UserMistakeException>(() => Compare(folders));
        Assert.Contains(named, mistake.Message);
        Assert.Contains("changed", mistake.Message);
        RunComparison forced = RunComparison.Create([.. folders.Select(EvaluatedRun.Read)], new ComparisonOptions { Force = true });
        Assert.StartsWith("FORCED COMPARISON: ", Printed.Comparison(forced));
        Assert.True(JsonNode.Parse(ComparisonJson.Render(forced))!["forced"]!.GetValue<bool>());
    }

    [Fact]
    public void Seeds_of_one_method_must_share_their_configuration()
    {
        using var made = new MadeUpRuns();
        string[] folders = [made.Write(MadeUpRuns.Evaluation("mle", 1)), made.Write(MadeUpRuns.Evaluation("mle", 2), hiddenSize: "128")];
        Assert.Contains("generator.hidden_size (64 in mle-1, 128 in mle-2)", Assert.Throws<UserMistakeException>(() => Compare(folders)).Message);
    }

    [Fact]
    public void Methods_with_different_seeds_are_tested_by_welch()
    {
        using var made = new MadeUpRuns();
        string[] folders = [.. new ulong[] { 1, 2 }.Select(seed => made.Write(MadeUpRuns.Evaluation("mle", seed))),
            .. new ulong[] { 3, 4, 5 }.Select(seed => made.Write(MadeUpRuns.Evaluation("gumbel", seed)))];
        RunComparison comparison = Compare(folders);
        Assert.NotEmpty(comparison.Tests);
        Assert.All(comparison.Tests, test => Assert.Equal(MeanTest.Welch, test.Result.Kind));
    }

    [Fact]
    public void The_evaluation_file_survives_a_round_trip_and_damage_is_the_users_mistake()
    {
        RunEvaluation evaluation = MadeUpRuns.Evaluation("gumbel", 2);
        string json = evaluation.ToJson();
        Assert.Equal(json, RunEvaluation.Parse(json, "here").ToJson());
        var document = JsonNode.Parse(json)!;
        Assert.Equal("completed", document["status"]!.GetValue<string>());
        Assert.Equal(64000, document["budget"]!["sequences_seen"]!.GetValue<long>());
        Assert.Contains("runs/x", Assert.Throws<UserMistakeException>(() => RunEvaluation.Parse("{}", "runs/x")).Message);
        Assert.Contains("runs/x", Assert.Throws<UserMistakeException>(() => RunEvaluation.Parse("{", "runs/x")).Message);
        Assert.Contains("version 9",
            Assert.Throws<UserMistakeException>(() => RunEvaluation.Parse(json.Replace("\"version\": 1", "\"version\": 9"), "runs/x")).Message);
    }

    [Fact]
    public void A_folder_that_is_no_evaluated_run_is_named()
    {
        using var made = new MadeUpRuns();
        Assert.Contains("nowhere", Assert.Throws<UserMistakeException>(() => EvaluatedRun.Read(Path.Combine(made.Folder, "nowhere"))).Message);
        Assert.Contains("evaluation.json", Assert.Throws<UserMistakeException>(() => EvaluatedRun.Read(made.Folder)).Message);
        Assert.Contains("bleu/9", Assert.Throws<UserMistakeException>(
            () => RunComparison.Create([.. made.ThreeByThree().Select(EvaluatedRun.Read)], new ComparisonOptions { Metrics = ["bleu/9"] })).Message);
        Assert.Contains("'gan'", Assert.Throws<UserMistakeException>(
            () => RunComparison.Create([.. made.ThreeByThree().Select(EvaluatedRun.Read)], new ComparisonOptions { Baseline = "gan" })).Message);
    }

    [Fact]
    public void A_run_folder_is_read_with_its_curves_and_its_configuration()
    {
        using var made = new MadeUpRuns();
        EvaluatedRun run = EvaluatedRun.Read(made.Write(MadeUpRuns.Evaluation("gumbel", 2)));
        Assert.Equal("64", run.Configuration["generator.hidden_size"]);
        Assert.Equal("[1, 2]", run.Configuration["generator.layers"]);
        Assert.Equal("1.13.1", run.Environment["libtorch"]);
        Assert.Equal(51, run.Curves["loss/generator"].Count);
        Assert.Equal(Enumerable.Range(0, 11).Select(index => index * 50L), run.Curves["nll/validation"].Select(point => point.Step));
        Assert.False(run.Curves.ContainsKey("phase"));
    }

    [Theory]
    [InlineData("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")]
    [InlineData("deep")]
    public void A_configuration_that_would_unfold_without_bound_is_refused(string yaml)
    {
        using var made = new MadeUpRuns();
        string run = made.Write(MadeUpRuns.Evaluation("mle", 1));
        File.WriteAllText(Path.Combine(run, "config.yaml"), yaml == "deep" ? new string('[', 200_000) : yaml);
        Assert.Throws<UserMistakeException>(() => EvaluatedRun.Read(run));
    }

    private static RunComparison Compare(string[] folders) => RunComparison.Create([.. folders.Select(EvaluatedRun.Read)], new ComparisonOptions());
}
