using System.Text.Json;
using System.Text.Json.Nodes;
using GumbelGan.Cli;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using GumbelGan.Training.Sweeps;
using Xunit;

namespace GumbelGan.Tests.Training.Sweeps;

/// <summary>Sweeps by the real program.</summary>
public sealed class SweepTests
{
    [Fact]
    public void A_sweep_of_twelve_killed_twice_ends_complete_with_no_run_done_twice()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        using var sweep = new TemporarySweep("seeds: [1, 2, 3]\ngrid:\n  generator.hidden: [5, 6]\n  pretraining.batch_size: [8, 16]",
            "adversarial.steps=150", "recording.every=50", "recording.evaluate_every=50", "recording.checkpoint_every=5", "data.test_fraction=0");
        string[] words = ["sweep", sweep.File, "--output", sweep.Output, "--jobs", "3", "--threads", "1"];
        SweepRun[] runs = [.. sweep.Plan.Runs];
        Assert.Equal(12, runs.Length);

        // SIGKILL: nobody tells the children, but their standard input ends, and they stop with a checkpoint.
        using (ProgramProcess killed = ProgramProcess.Start(words))
        {
            Assert.True(killed.WaitUntil(() => runs.Any(run => run.Status == SweepRunStatus.Done)), killed.Error);
            killed.Kill();
        }

        WaitUntil(() => runs.All(run => run.Status != SweepRunStatus.Busy));
        Dictionary<string, DateTime> first = Finished();
        Assert.InRange(first.Count, 1, 11);

        using (ProgramProcess stopped = ProgramProcess.Start(words))
        {
            Assert.True(stopped.WaitUntil(() => Finished().Count > first.Count), stopped.Error);
            stopped.Signal("TERM");
            Assert.True(stopped.End() == ExitCode.Interrupted, stopped.Error);
            Assert.Contains("Interrupted; every run that was going on has a checkpoint.", stopped.Error, StringComparison.Ordinal);
            Assert.DoesNotContain(runs, run => run.Status == SweepRunStatus.Busy);
            Assert.All(first.Keys, name => Assert.DoesNotContain($"{name}: started", stopped.Error, StringComparison.Ordinal));
        }

        // Two sweeps on one folder share what is left.
        using (ProgramProcess one = ProgramProcess.Start(words), other = ProgramProcess.Start(words))
        {
            Assert.True(one.End() == ExitCode.Done, one.Error);
            Assert.True(other.End() == ExitCode.Done, other.Error);
        }

        Assert.All(runs, run => Assert.Equal(SweepRunStatus.Done, run.Status));
        Assert.All(first, before => Assert.Equal(before.Value, Finished()[before.Key]));
        Assert.All(runs,
            run => Assert.InRange(File.ReadAllLines(run.Log).Count(line => line.Contains(", is done: ", StringComparison.Ordinal)), 0, 1));

        // What was interrupted and went on is what it would have been anyway.
        ProgramRun undisturbed =
            ProgramRun.Of("sweep", sweep.File, "--output", Path.Combine(sweep.Folder, "undisturbed"), "--index", "5", "--threads", "1");
        Assert.True(undisturbed.ExitCode == ExitCode.Done, undisturbed.Error);
        AdversarialTrainerTests.AssertSameRun(Path.Combine(sweep.Folder, "undisturbed", runs[5].Name), runs[5].Folder);

        ProgramRun again = ProgramRun.Of(words);
        Assert.Equal((ExitCode.Done, ""), (again.ExitCode, again.Error));
        Assert.StartsWith("12 of 12 runs are done, 12 of them before", again.Output, StringComparison.Ordinal);

        // The pointer is moved by training alone.
        Dictionary<string, DateTime> Finished() => runs.Where(run => run.Status == SweepRunStatus.Done)
            .ToDictionary(run => run.Name, run => File.GetLastWriteTimeUtc(Path.Combine(run.Folder, "checkpoints", "latest")));
    }

    [Fact]
    public void A_failing_run_stops_no_other_is_told_at_the_end_and_counts_as_failed_in_a_comparison_of_the_folder()
    {
        using var sweep = new TemporarySweep("""
            list:
              mle:
              blocked: { generator.hidden: 5 }
              diverges: { objective: gumbel, adversarial.steps: 20 }
              gumbel: { objective: gumbel }
            """);
        string[] words = ["sweep", sweep.File, "--output", sweep.Output];
        SweepRun blocked = sweep.Plan.Runs[1], diverges = sweep.Plan.Runs[2];
        Directory.CreateDirectory(sweep.Output);
        File.WriteAllText(blocked.Folder, "A file where a folder should be: nothing that a check of the configuration sees.");
        HealthTests.Diverge(diverges.Folder, diverges.Config);
        ProgramRun run = ProgramRun.Of(words);
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.StartsWith("2 of 4 runs are done;", run.Output, StringComparison.Ordinal);
        Assert.Contains($"2 runs have failed:\n  blocked-seed1: {blocked.Folder} exists already", run.Error, StringComparison.Ordinal);
        Assert.Contains("\n  diverges-seed1: Training diverged in step", run.Error, StringComparison.Ordinal);

        // What would only diverge again is not done again; the other one is, once nothing is in its way.
        File.Delete(blocked.Folder);
        ProgramRun again = ProgramRun.Of(words);
        Assert.Equal(ExitCode.Failed, again.ExitCode);
        Assert.Equal(["blocked-seed1: started (3 of 4)"], again.Error.Split('\n').Where(line => line.Contains("started", StringComparison.Ordinal)));

        // A comparison counts what diverged; blocked has other parameters than the rest.
        ProgramRun compared = ProgramRun.Of("compare", sweep.Output, "--json", "--force");
        Assert.True(compared.ExitCode == ExitCode.Done, compared.Error);
        using var document = JsonDocument.Parse(compared.Output);
        Assert.Equal(["mle", "blocked", "diverges", "gumbel"],
            document.RootElement.GetProperty("methods").EnumerateArray().Select(method => method.GetProperty("name").GetString()));

        // Nor is it ranked among those that came through.
        ProgramRun best = ProgramRun.Of([.. words, "--best", "nll/validation", "--json"]);
        using var ranking = JsonDocument.Parse(best.Output);
        JsonElement last = ranking.RootElement.GetProperty("settings").EnumerateArray().Last();
        Assert.Equal(("diverges", 1), (last.GetProperty("name").GetString(), last.GetProperty("failed").GetInt32()));
    }

    [Fact]
    public void Likelihood_alone_is_ranked_by_the_weights_that_it_ends_with_which_are_its_best()
    {
        using var sweep = new TemporarySweep("seeds: [1]", "adversarial.steps=0", "pretraining.epochs=30", "pretraining.patience=3",
            "pretraining.learning_rate=0.1", "data.test_fraction=0");
        Assert.Equal(ExitCode.Done, ProgramRun.Of("sweep", sweep.File, "--output", sweep.Output).ExitCode);
        double[] recorded = [.. MetricsJournal.Read(Path.Combine(sweep.Plan.Runs[0].Folder, MetricsJournal.FileName))
            .Where(record => record.Scalars.ContainsKey("nll/validation")).Select(record => record.Scalars["nll/validation"])];
        Assert.True(recorded[^1] > recorded.Min());
        Assert.Equal(recorded.Min(), SweepRanking.Of(sweep.Plan, "nll/validation", null).Settings[0].Last!.Mean, 1e-12);
    }

    [Fact]
    public void The_best_setting_has_the_lowest_mean_over_seeds_of_what_its_runs_recorded_last()
    {
        using var sweep = new TemporarySweep("seeds: [1, 2, 3]\ngrid: { pretraining.learning_rate: [1e-6, 0.02] }", "adversarial.steps=0",
            "data.test_fraction=0");
        string[] words = ["sweep", sweep.File, "--output", sweep.Output];
        Assert.Equal(ExitCode.Done, ProgramRun.Of(words).ExitCode);
        ProgramRun best = ProgramRun.Of([.. words, "--best", "nll/validation", "--json"]);
        Assert.True(best.ExitCode == ExitCode.Done, best.Error);
        using var document = JsonDocument.Parse(best.Output);
        JsonElement[] settings = [.. document.RootElement.GetProperty("settings").EnumerateArray()];
        Assert.Equal(["learning_rate=0.02", "learning_rate=1e-6"], settings.Select(setting => setting.GetProperty("name").GetString()));
        double[] seeds = [.. sweep.Plan.Runs.Where(run => run.Setting.Name == "learning_rate=0.02").Select(run => MetricsJournal.Read(
            Path.Combine(run.Folder, MetricsJournal.FileName))
                .Last(record => record.Scalars.ContainsKey("nll/validation")).Scalars["nll/validation"])];
        Assert.Equal(3, seeds.Length);
        Assert.Equal(seeds.Average(), settings[0].GetProperty("last").GetProperty("mean").GetDouble(), 1e-12);

        // The interval of three seeds: Student's t with two degrees of freedom is 4.302653.
        double deviation = Math.Sqrt(seeds.Sum(value => Math.Pow(value - seeds.Average(), 2)) / 2);
        Assert.Equal(seeds.Average() - 4.302653 * deviation / Math.Sqrt(3),
            settings[0].GetProperty("last").GetProperty("interval")[0].GetDouble(), 1e-6);

        Assert.Equal("learning_rate=1e-6", JsonDocument.Parse(ProgramRun.Of([.. words, "--best", "nll/validation", "--highest", "--json"]).Output)
            .RootElement.GetProperty("settings")[0].GetProperty("name").GetString());
        ProgramRun test = ProgramRun.Of([.. words, "--best", "nll/test"]);
        Assert.Equal(ExitCode.UserMistake, test.ExitCode);
        Assert.Contains("nll/test is measured on the test split", test.Error, StringComparison.Ordinal);
        Assert.Contains("say --lowest or --highest", ProgramRun.Of([.. words, "--best", "gradient_norm/generator"]).Error, StringComparison.Ordinal);
        Assert.Contains("nll/validation", ProgramRun.Of([.. words, "--best", "nll"]).Error, StringComparison.Ordinal);

        // The same means as a curve over the rate, whose line is the method's.
        string page = Path.Combine(sweep.Folder, "curves.html");
        string[] against = [.. words, "--best", "nll/validation", "--against", "pretraining.learning_rate", "--page", page];
        JsonElement curve = Assert.Single(JsonDocument.Parse(ProgramRun.Of([.. against, "--json"]).Output)
            .RootElement.GetProperty("curves").EnumerateArray().ToArray());
        JsonElement[] points = [.. curve.GetProperty("points").EnumerateArray()];
        Assert.Equal("mle", curve.GetProperty("method").GetString());
        Assert.Equal([(1e-6, "learning_rate=1e-6"), (0.02, "learning_rate=0.02")],
            points.Select(point => (point.GetProperty("x").GetDouble(), point.GetProperty("setting").GetString()!)));
        Assert.Equal(seeds.Average(), points[1].GetProperty("mean").GetDouble(), 1e-12);
        Assert.Contains("nll/validation against pretraining.learning_rate", File.ReadAllText(page), StringComparison.Ordinal);
        Assert.Contains("which is no number", ProgramRun.Of([.. words, "--best", "nll/validation", "--against", "tokenizer.kind"]).Error,
            StringComparison.Ordinal);
        Assert.Contains("--page draws a metric against a key", ProgramRun.Of([.. words, "--page", page]).Error, StringComparison.Ordinal);
        ShowsOtherCurvesBeside(sweep.Folder, [.. against[..^2]]);
    }

    [Fact]
    public void An_index_does_that_run_alone_and_count_tells_how_many_there_are()
    {
        using var sweep = new TemporarySweep("seeds: [4, 9]\nlist: { a: , b: { generator.hidden: 5 } }", "adversarial.steps=3");
        string[] words = ["sweep", sweep.File, "--output", sweep.Output];
        Assert.Equal("4\n", ProgramRun.Of([.. words, "--count"]).Output.ReplaceLineEndings("\n"));
        Assert.False(Directory.Exists(sweep.Output));
        ProgramRun one = ProgramRun.Of([.. words, "--index", "3"]);
        Assert.True(one.ExitCode == ExitCode.Done, one.Error);
        Assert.Equal([SweepRunStatus.Waiting, SweepRunStatus.Waiting, SweepRunStatus.Waiting, SweepRunStatus.Done],
            sweep.Plan.Runs.Select(run => run.Status));
        Assert.Equal(9, sweep.Plan.Runs[3].Config.Seed);
        Assert.Contains("b-seed9", one.Error, StringComparison.Ordinal);
        ProgramRun beyond = ProgramRun.Of([.. words, "--index", "4"]);
        Assert.Equal(ExitCode.UserMistake, beyond.ExitCode);
        Assert.Contains("has 4 runs, so --index is from 0 to 3, not 4", beyond.Error, StringComparison.Ordinal);

        // Part of a sweep is no comparison, unless it is asked for.
        Assert.Equal(ExitCode.Done, ProgramRun.Of("compare", sweep.Output).ExitCode);
        Directory.CreateDirectory(sweep.Plan.Runs[0].Folder);
        File.Copy(Path.Combine(sweep.Plan.Runs[3].Folder, "config.yaml"), Path.Combine(sweep.Plan.Runs[0].Folder, "config.yaml"));
        Assert.Contains("1 of the 2 runs in", ProgramRun.Of("compare", sweep.Output).Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, ProgramRun.Of("compare", sweep.Output, "--force").ExitCode);

        // A run that another file made is not taken for one of this sweep.
        ProgramRun other = ProgramRun.Of(words);
        Assert.Equal(ExitCode.UserMistake, other.ExitCode);
        Assert.Contains("but the sweep file says", other.Error, StringComparison.Ordinal);
    }

    // The sweep's own point at .02 stands, another of the method is added, and so is another method.
    private static void ShowsOtherCurvesBeside(string folder, string[] against)
    {
        string others = Path.Combine(folder, "others.json");
        JsonNode document = JsonNode.Parse(ProgramRun.Of([.. against, "--json"]).Output)!;
        JsonNode curve = document["curves"]![0]!;
        double own = curve["points"]![1]!["mean"]!.GetValue<double>();
        curve["points"]![0]!["x"] = 0.5;
        curve["points"]![1]!["mean"] = own + 1;
        JsonNode another = curve.DeepClone();
        another["method"] = "another";
        document["curves"]!.AsArray().Add(another);
        File.WriteAllText(others, document.ToJsonString());
        JsonElement[] curves = [.. JsonDocument.Parse(ProgramRun.Of([.. against, "--json", "--beside", others]).Output)
            .RootElement.GetProperty("curves").EnumerateArray()];
        Assert.Equal(["mle", "another"], curves.Select(shown => shown.GetProperty("method").GetString()));
        JsonElement[] points = [.. curves[0].GetProperty("points").EnumerateArray()];
        Assert.Equal([1e-6, 0.02, 0.5], points.Select(point => point.GetProperty("x").GetDouble()));
        Assert.Equal(own, points[1].GetProperty("mean").GetDouble());
        Assert.Equal(own + 1, curves[1].GetProperty("points")[0].GetProperty("mean").GetDouble());

        document["metric"] = "auc/hard";
        File.WriteAllText(others, document.ToJsonString());
        AssertRefused("do not belong beside", [.. against, "--beside", others]);
        string whole = document.ToJsonString();
        foreach (string broken in (string[])["", "null", "[]", "{}", whole[..^9], whole.Replace("\"seeds\":", "\"sedes\":", StringComparison.Ordinal),
            whole.Replace("\"interval\":[", "\"interval\":[1,", StringComparison.Ordinal), "\0\u0001"])
        {
            File.WriteAllText(others, broken);
            AssertRefused("holds no curves", [.. against, "--beside", others]);
        }

        AssertRefused("does not exist", [.. against, "--beside", folder + "/nothing.json"]);
        if (File.Exists("/dev/zero"))
        {
            AssertRefused("is larger than 16 MiB", [.. against, "--beside", "/dev/zero"]);
        }

        AssertRefused("--beside shows other curves beside those of --against", [.. against[..^4], "--beside", others]);

        static void AssertRefused(string says, string[] words)
        {
            ProgramRun run = ProgramRun.Of(words);
            Assert.Equal(ExitCode.UserMistake, run.ExitCode);
            Assert.Contains(says, run.Error, StringComparison.Ordinal);
        }
    }

    private static void WaitUntil(Func<bool> holds)
    {
        for (DateTime end = DateTime.UtcNow.AddMinutes(2); !holds(); Thread.Sleep(20))
        {
            Assert.True(DateTime.UtcNow < end, "Nothing happened.");
        }
    }
}
