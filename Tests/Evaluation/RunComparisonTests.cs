using System.Globalization;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Evaluation.Metrics;
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
        string selected =
            text[text.IndexOf("Checkpoint selected", StringComparison.Ordinal)..text.IndexOf("Last checkpoint", StringComparison.Ordinal)];
        string line = Assert.Single(selected.Split('\n'), row => row.StartsWith("bleu/4", StringComparison.Ordinal));
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
            ofGumbel["selected"]!["bleu/4"]!["mean"]!.GetValue<double>(), 1e-12);

        // t with two degrees of freedom has the closed form p = 1 - |t| / sqrt(2 + t^2).
        foreach (MethodTest test in comparison.Tests.Where(test => test is { Tag: "bleu/4", Checkpoint: CheckpointChoice.Selected }))
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
    public void Runs_whose_folders_have_one_name_are_told_apart_by_their_paths()
    {
        using var made = new MadeUpRuns();
        static EvaluationDocument Made(string method, ulong seed, string key, string value) => MadeUpRuns.Evaluation(method, seed) with
        {
            Configuration = new Dictionary<string, string>(MadeUpRuns.Configuration(method, seed, "64")) { [key] = value },
        };
        RunComparison comparison = Compare(
        [
            made.Write(Made("mle", 1, "recording.evaluate_every", "20"), "a/seed1"),
            made.Write(Made("gumbel", 1, "generator.hidden", "32"), "b/seed1"),
            made.Write(Made("mle", 2, "recording.evaluate_every", "20"), "seed2"),
        ]);
        Assert.Equal(["a/seed1", "b/seed1", "seed2"], comparison.Runs.Select(run => run.Name).Order(StringComparer.Ordinal));
        IReadOnlyDictionary<string, string?> hidden = comparison.ConfigurationDifferences.Single(found => found.Key == "generator.hidden").Values;
        Assert.Equal(("64", "32"), (hidden["a/seed1"], hidden["b/seed1"]));
        Assert.Contains(comparison.Notes, note => note.Contains("(20 in a/seed1, 50 in b/seed1)", StringComparison.Ordinal));
    }

    [Fact]
    public void Collapsed_and_failed_runs_are_counted_and_collapsed_ones_stay_in_the_mean()
    {
        using var made = new MadeUpRuns();
        EvaluationDocument failed = MadeUpRuns.Evaluation("gumbel", 4)
            with
        { Status = RunOutcome.Failed, StatusReason = "The loss became NaN at step 7.", Last = null, Selected = null };
        RunComparison comparison = Compare([.. made.ThreeByThree(), made.Write(failed)]);
        MethodSummary reinforce = comparison.Methods.Single(method => method.Name == "reinforce"),
            gumbel = comparison.Methods.Single(method => method.Name == "gumbel");
        Assert.Equal((2, 1, 0), (reinforce.Count(RunOutcome.Completed), reinforce.Count(RunOutcome.Collapsed), reinforce.Count(RunOutcome.Failed)));
        Assert.Equal((3, 0, 1), (gumbel.Count(RunOutcome.Completed), gumbel.Count(RunOutcome.Collapsed), gumbel.Count(RunOutcome.Failed)));
        Assert.Equal(3, reinforce.Selected["bleu/4"].Count);
        Assert.Equal(3, gumbel.Selected["bleu/4"].Count);
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
            var metrics = EvaluationDocument.Tagged(MetricCatalogue.Compute(inputs));
            EvaluationDocument evaluation = MadeUpRuns.Evaluation(method.Item1, 1)
                with { Last = new CheckpointMetrics(1, metrics), Selected = new CheckpointMetrics(1, metrics) };
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

    public static readonly TheoryData<string, Func<EvaluationDocument, EvaluationDocument>> Mismatches = new()
    {
        { "corpus", run => run with { CorpusHash = "other" } },
        { "vocabulary", run => run with { VocabularyHash = "other" } },
        { "split into training", run => run with { SplitHash = "other" } },
        { "generator parameter count", run => run with { Parameters = run.Parameters with { Generator = 1 } } },
        { "discriminator parameter count", run => run with { Parameters = run.Parameters with { Discriminator = 1 } } },
        { "budget", run => run with { Budget = run.Budget with { Limit = 501 } } },
        { "definition of bleu", run => run with { MetricNames = new Dictionary<string, string> { ["bleu"] = "BLEU (100 hypotheses)" } } },
        { "seed 2 twice", run => run with { Seed = 2 } },
    };

    [Theory]
    [MemberData(nameof(Mismatches))]
    public void Runs_that_do_not_compare_are_refused_and_marked_if_forced(string named, Func<EvaluationDocument, EvaluationDocument> change)
    {
        using var made = new MadeUpRuns();
        string[] folders = made.ThreeByThree();
        folders[^1] = made.Write(change(MadeUpRuns.Evaluation("reinforce", 3)), "changed");
        var mistake = Assert.Throws<UserMistakeException>(() => Compare(folders));
        Assert.Contains(named, mistake.Message);
        Assert.Contains("changed", mistake.Message);
        RunComparison forced =
            RunComparison.Create([.. folders.Select(ComparedRun.Read)], new ComparisonOptions { UsualBaseline = "mle", Force = true });
        Assert.StartsWith("FORCED COMPARISON: ", Printed.Comparison(forced));
        Assert.True(JsonNode.Parse(ComparisonJson.Render(forced))!["forced"]!.GetValue<bool>());
    }

    [Fact]
    public void Seeds_of_one_method_must_share_their_configuration()
    {
        using var made = new MadeUpRuns();
        string[] folders = [made.Write(MadeUpRuns.Evaluation("mle", 1)),
            made.Write(MadeUpRuns.Evaluation("mle", 2) with { Configuration = MadeUpRuns.Configuration("mle", 2, "128") })];
        Assert.Contains("generator.hidden (64 in mle-1, 128 in mle-2)", Assert.Throws<UserMistakeException>(() => Compare(folders)).Message);
    }

    [Theory]
    [InlineData("corpus", "/moved/captions.txt")]
    [InlineData("recording.every", "20")]
    [InlineData("recording.samples", "3")]
    [InlineData("data.validation_fraction", "0.1")]
    [InlineData("tokenizer.file", "/moved/tokenizer.json")]
    [InlineData("threads", "4")]
    public void Seeds_of_one_method_may_differ_in_what_is_no_part_of_it_or_is_compared_by_its_content(string key, string value)
    {
        using var made = new MadeUpRuns();
        EvaluationDocument other = MadeUpRuns.Evaluation("mle", 2);
        RunComparison comparison = Compare([made.Write(MadeUpRuns.Evaluation("mle", 1)),
            made.Write(other with { Configuration = new Dictionary<string, string>(other.Configuration) { [key] = value } })]);
        Assert.Equal(2, comparison.Methods.Single().Runs.Count);
        Assert.Empty(comparison.Notes);
        Assert.Equal(key != "corpus", comparison.ConfigurationDifferences.Any(difference => difference.Key == key));
    }

    [Fact]
    public void Runs_evaluated_at_different_intervals_compare_with_a_note_that_their_selections_had_different_choices()
    {
        using var made = new MadeUpRuns();
        EvaluationDocument other = MadeUpRuns.Evaluation("gumbel", 1);
        RunComparison comparison = Compare([made.Write(MadeUpRuns.Evaluation("mle", 1)),
            made.Write(other with { Configuration = new Dictionary<string, string>(other.Configuration) { ["recording.evaluate_every"] = "5" } })]);
        Assert.Contains("recording.evaluate_every differs (50 in mle-1, 5 in gumbel-1)", Assert.Single(comparison.Notes));
        Assert.StartsWith("Note: recording.evaluate_every differs", Printed.Comparison(comparison));
        Assert.Contains("evaluate_every", JsonNode.Parse(ComparisonJson.Render(comparison))!["notes"]![0]!.GetValue<string>());
    }

    [Fact]
    public void Weights_that_are_selected_and_last_at_once_are_tested_once_and_said_to_be_both()
    {
        using var made = new MadeUpRuns();
        EvaluationDocument Both(string method, ulong seed)
        {
            EvaluationDocument evaluation = MadeUpRuns.Evaluation(method, seed);
            return evaluation with { Selected = evaluation.Last! with { SelectedBy = "nll/validation" }, SelectedIsLast = true };
        }

        string[] Folders(Func<string, ulong, EvaluationDocument> ofGumbel) => [.. new ulong[] { 1, 2, 3 }.SelectMany(seed => (string[])
            [made.Write(Both("mle", seed)), made.Write(ofGumbel("gumbel", seed)), made.Write(MadeUpRuns.Evaluation("reinforce", seed))])];

        RunComparison comparison = Compare(Folders(Both));
        // Four metrics have values: gumbel is tested on each once, reinforce, whose checkpoints differ, twice.
        Assert.Equal((4, 8), (comparison.Tests.Count(test => test.Method == "gumbel"), comparison.Tests.Count(test => test.Method == "reinforce")));
        Assert.All(comparison.Tests, test => Assert.Equal(test.Method == "gumbel", test.IsOfBoth));
        double smallest = comparison.Tests.Min(test => test.Result.PValue);
        Assert.Equal(Math.Min(1, 12 * smallest), comparison.Tests.Min(test => test.HolmPValue), 1e-12);
        string text = Printed.Comparison(comparison);
        Assert.Contains("last = selected (step 500)", text);
        Assert.Contains("selected (step 400)", text);
        Assert.True(JsonNode.Parse(ComparisonJson.Render(comparison))!["methods"]![1]!["selected_is_last"]!.GetValue<bool>());

        // Where one side's checkpoints differ, the two tests are two.
        Assert.Equal(8, Compare(Folders(MadeUpRuns.Evaluation)).Tests.Count(test => test.Method == "gumbel"));
    }

    [Fact]
    public void One_run_is_shown_with_both_of_its_checkpoints_side_by_side()
    {
        using var made = new MadeUpRuns();
        string text = Printed.Comparison(Compare([made.Write(MadeUpRuns.Evaluation("gumbel", 2))]));
        string header = text.Split('\n').Single(line => line.Contains("held out", StringComparison.Ordinal));
        Assert.Matches("selected \\(step 400\\) +last \\(step 500\\) +held out +memoriser", header);
        Assert.Matches(string.Create(CultureInfo.InvariantCulture,
            $"bleu/4 \\(higher is better\\) +{MadeUpRuns.Bleu4("gumbel", 2):F4} +{MadeUpRuns.Bleu4("gumbel", 2) - 0.02:F4} +0.3060 +0.3070"), text);
        Assert.Matches("outcome +completed", text);
        Assert.DoesNotContain("one seed", text, StringComparison.Ordinal);
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
        EvaluationDocument evaluation = MadeUpRuns.Evaluation("gumbel", 2);
        string json = evaluation.ToJson();
        Assert.Equal(json, EvaluationDocument.Parse(json, "here").ToJson());
        var document = JsonNode.Parse(json)!;
        Assert.Equal("completed", document["status"]!.GetValue<string>());
        Assert.Equal(64000, document["budget"]!["sequences_seen"]!.GetValue<long>());
        Assert.Contains("runs/x", Assert.Throws<UserMistakeException>(() => EvaluationDocument.Parse("{}", "runs/x")).Message);
        foreach (string[] path in new string[][] { ["references"], ["configuration"], ["metric_names"], ["last", "samples"], ["selected", "sweep"] })
        {
            JsonNode lacking = JsonNode.Parse(json)!;
            Assert.True(path.SkipLast(1).Aggregate(lacking, (node, key) => node[key]!).AsObject().Remove(path[^1]));
            Assert.Equal("runs/x lacks a part of an evaluation; evaluate the run again.",
                Assert.Throws<UserMistakeException>(() => EvaluationDocument.Parse(lacking.ToJsonString(), "runs/x")).Message);
        }

        Assert.Contains("runs/x", Assert.Throws<UserMistakeException>(() => EvaluationDocument.Parse("{", "runs/x")).Message);
        Assert.Contains("version 9",
            Assert.Throws<UserMistakeException>(() => EvaluationDocument.Parse(json.Replace("\"version\": 2", "\"version\": 9"), "runs/x")).Message);
        Assert.Contains("evaluate the run again",
            Assert.Throws<UserMistakeException>(() => EvaluationDocument.Parse(json.Replace("\"version\": 2", "\"version\": 1"), "runs/x")).Message);
    }

    [Fact]
    public void A_folder_that_is_no_evaluated_run_is_named()
    {
        using var made = new MadeUpRuns();
        Assert.Contains("nowhere", Assert.Throws<UserMistakeException>(() => ComparedRun.Read(Path.Combine(made.Folder, "nowhere"))).Message);
        Assert.Contains("evaluation.json", Assert.Throws<UserMistakeException>(() => ComparedRun.Read(made.Folder)).Message);
        Assert.Contains("bleu/9", Assert.Throws<UserMistakeException>(
            () => RunComparison.Create([.. made.ThreeByThree().Select(ComparedRun.Read)], new ComparisonOptions { Metrics = ["bleu/9"] })).Message);
        Assert.Contains("'gan'", Assert.Throws<UserMistakeException>(
            () => RunComparison.Create([.. made.ThreeByThree().Select(ComparedRun.Read)], new ComparisonOptions { Baseline = "gan" })).Message);
    }

    [Fact]
    public void A_run_folder_is_read_with_its_curves_its_samples_by_step_and_its_configuration()
    {
        using var made = new MadeUpRuns();
        ComparedRun run = ComparedRun.Read(made.Write(MadeUpRuns.Evaluation("gumbel", 2)));
        Assert.Equal("64", run.Evaluation.Configuration["generator.hidden"]);
        Assert.Equal(51, run.Curves["loss/generator"].Count);
        Assert.Equal(Enumerable.Range(0, 11).Select(index => index * 50L), run.Curves["nll/validation"].Select(point => point.Step));
        Assert.False(run.Curves.ContainsKey("phase"));
        Assert.Equal([0L, 100L, 500L], run.SamplesByStep.Select(samples => samples.Step));
        Assert.Equal(["written at step 100 by gumbel", "<b>bold</b>"], run.SamplesByStep[1].Lines);
        Assert.Equal(["a real line .", "another & another ."], run.RealSamples);
    }

    [Fact]
    public void Of_many_samples_the_first_the_last_and_some_between_are_read_and_of_a_vast_file_its_beginning()
    {
        using var made = new MadeUpRuns();
        string folder = made.Write(MadeUpRuns.Evaluation("gumbel", 2)), samples = Path.Combine(folder, "samples");
        for (int step = 1; step < 100; step++)
        {
            File.WriteAllText(Path.Combine(samples, string.Create(CultureInfo.InvariantCulture, $"{step:D6}.txt")), "x\n");
        }

        File.WriteAllText(Path.Combine(samples, "notes.txt"), "not samples\n");
        File.WriteAllText(Path.Combine(samples, "000500.txt"), new string('y', 3_000_000));
        IReadOnlyList<(long Step, IReadOnlyList<string> Lines)> read = ComparedRun.Read(folder).SamplesByStep;
        Assert.Equal((12, 0L, 500L), (read.Count, read[0].Step, read[^1].Step));
        Assert.Equal(1 << 20, Assert.Single(read[^1].Lines).Length);
    }

    private static RunComparison Compare(string[] folders) =>
        RunComparison.Create([.. folders.Select(ComparedRun.Read)], new ComparisonOptions { UsualBaseline = "mle" });
}
