using System.Text.Json.Nodes;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training;

/// <summary>Whole runs, trained tiny, evaluated and compared by the program.</summary>
public sealed class FinalEvaluationTests
{
    private static readonly FinalEvaluationOptions _small = new() { Count = 40, Temperatures = [0.5, 1] };

    [Fact]
    public void An_evaluation_holds_both_checkpoints_the_sweep_and_the_rows_that_are_no_model()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=reinforce"));
        EvaluationDocument written = Evaluate(run, _small).Document;
        var read = EvaluationDocument.Parse(File.ReadAllText(Path.Combine(run.Run, EvaluationDocument.FileName)), "test");
        Assert.Equal(written.ToJson(), read.ToJson());
        TrainingState state = RunFolder.Open(run.Run).Latest().State();
        Assert.Equal(("reinforce", 1UL, state.Step, state.BestStep), (read.Method, read.Seed, read.Last!.Step, read.Selected!.Step));
        Assert.Equal((state.GeneratorUpdates, state.RealSequences), (read.Budget.Updates, read.Budget.SequencesSeen));
        Assert.True(read.Budget.WallSeconds > 0 && read.Budget.Limit >= read.Budget.Updates);

        // The run's own journal and the evaluation agree on the test split's NLL.
        Assert.Equal(RunSummary.Read(run.Run).TestNll!.Value, read.Last.Metrics["nll/test"]!.Value, 1e-6);
        foreach (CheckpointMetrics checkpoint in (CheckpointMetrics[])[read.Last, read.Selected])
        {
            Assert.Equal([0.5, 1], checkpoint.Sweep.Select(point => point.Temperature));
            Assert.Equal(checkpoint.Metrics["bleu/4"], checkpoint.Sweep[1].Metrics["bleu/4"]);
            Assert.NotEqual(checkpoint.Sweep[0].Metrics["nll/test"], checkpoint.Sweep[1].Metrics["nll/test"]);
            Assert.Equal(20, checkpoint.Samples.Count);
        }

        Assert.Equal("8", read.Configuration["generator.hidden"]);
        Assert.Equal("cnn", read.Configuration["discriminator.kind"]);
        Assert.Equal(0, read.References["memoriser"]["diversity/novelty"]);
        Assert.True(read.References["held_out"]["bleu/4"] > read.Last.Metrics["bleu/4"],
            "two passes over 180 lines do not make a model write better than people");
        Assert.True(read.References["held_out"]["frechet"] < read.Last.Metrics["frechet"]);
        Assert.Equal(Evaluate(run, _small).Document.ToJson(), read.ToJson());
    }

    [Fact]
    public void A_truncated_evaluation_says_so_in_every_result_and_compares_with_none_that_is_not()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle"));
        EvaluationDocument whole = Evaluate(run, _small).Document;
        File.Copy(Path.Combine(run.Run, "config.yaml"), Path.Combine(Directory.CreateDirectory(run.Run + "-2").FullName, "config.yaml"));
        File.WriteAllText(Path.Combine(run.Run + "-2", EvaluationDocument.FileName), (whole with { Seed = 2 }).ToJson());
        ProgramRun printed = ProgramRun.Of("evaluate", run.Run, "--count", "40", "--temperatures", "0.5,1", "--top-k", "2", "--top-p", "0.9");
        Assert.Contains("Samples are drawn with top-k 2, top-p 0.9 at every temperature; nll/test is of the distribution before that.\n",
            printed.Output);
        Assert.Contains("; samples drawn with top-k 2, top-p 0.9: ", printed.Output);
        string path = Path.Combine(run.Run, EvaluationDocument.FileName);
        var read = EvaluationDocument.Parse(File.ReadAllText(path), "test");
        Assert.Equal((2, 0.9), (read.TopK, read.TopP));
        Assert.All(read.MetricNames.Values, name => Assert.EndsWith("; samples drawn with top-k 2, top-p 0.9", name, StringComparison.Ordinal));
        Assert.Equal(whole.Last!.Metrics["nll/test"], read.Last!.Metrics["nll/test"]);
        Assert.True(read.Last.Metrics["diversity/token_entropy"] < whole.Last.Metrics["diversity/token_entropy"]);
        Assert.All(read.Last.Sweep, point => Assert.NotEqual(
            whole.Last.Sweep.Single(other => other.Temperature == point.Temperature).Metrics["bleu/4"], point.Metrics["bleu/4"]));

        string page = Path.Combine(run.Folder, "page.html");
        ProgramRun compared = ProgramRun.Of("compare", run.Run, "--report", page);
        Assert.Contains("Note: samples are drawn with top-k 2, top-p 0.9", compared.Output);
        Assert.Contains("One point a sampling temperature, top-k 2, top-p 0.9", File.ReadAllText(page));
        Assert.Contains("top-k 2", JsonNode.Parse(ProgramRun.Of("compare", run.Run, "--json").Output)!["notes"]![0]!.GetValue<string>());
        ProgramRun refused = ProgramRun.Of("compare", run.Run, run.Run + "-2");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("the truncation of samples of run is 'top-k 2, top-p 0.9' and that of run-2 is 'none'", refused.Error);
    }

    [Fact]
    public void Every_metric_of_the_held_out_row_is_that_of_the_validation_lines_against_the_test_lines()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=mle", "adversarial.steps=0");
        run.Train(config);
        EvaluationDocument evaluation = Evaluate(run, _small with { Count = 1000 }).Document;
        var words = new TextSequences(TextUnit.Word);
        var corpus = EncodedCorpus.Read(run.Corpus, config.Tokenizer, config.Data);
        List<int[]> heldOut = words.Read(Lines(corpus.Validation)), test = words.Read(Lines(corpus.Test));
        Assert.Equal(Bleu.Average(heldOut, test)[3], evaluation.References["held_out"]["bleu/4"]!.Value, 1e-12);
        Assert.Equal(Bleu.AverageSelf(heldOut)[2], evaluation.References["held_out"]["self_bleu/3"]!.Value, 1e-12);

        string[] Lines(SequenceSet set) => [.. Enumerable.Range(0, set.Count).Select(i => corpus.Tokenizer.Decode(set[i]))];
    }

    [Fact]
    public void A_test_text_of_one_line_is_evaluated_by_what_one_line_can_say()
    {
        using var run = new TemporaryRun();
        string one = Path.Combine(run.Folder, "one.txt");
        File.WriteAllText(one, "a cat sleeps inside\n");
        run.Train(run.Config("objective=mle", "adversarial.steps=0", $"data.test={one}", "data.test_fraction=0"));
        EvaluationDocument evaluation = Evaluate(run, _small).Document;
        Assert.Contains("nll/test", evaluation.Last!.Metrics.Keys);
        Assert.DoesNotContain("frechet", evaluation.Last.Metrics.Keys);
    }

    [Fact]
    public void On_a_grammar_that_can_be_listed_divergences_are_exact_and_on_one_that_cannot_the_estimate_finds_them()
    {
        using var run = new TemporaryRun();
        var arithmetic = Grammar.Parse("%join characters\n%maximum 5\n%tilt 1.75\nS -> S \"+\" S | S \"-\" S | \"x\"", "test");
        var random = new RandomStream(new RandomKey(3));
        File.WriteAllLines(run.Corpus, Enumerable.Range(0, 400).Select(_ => arithmetic.Sample(random)));
        string path = Path.Combine(run.Folder, "test.grammar");
        File.WriteAllText(path, "%join characters\n%maximum 5\n%tilt 1.75\nS -> S \"+\" S | S \"-\" S | \"x\"");
        run.Train(run.Config("objective=mle", "tokenizer.kind=char", "adversarial.steps=0", "pretraining.epochs=6", "pretraining.learning_rate=0.02",
            "discriminator.filter_widths=[2]", "data.validation_fraction=0.3", "data.test_fraction=0.3"));
        FinalResults evaluated = Evaluate(run, _small with { Count = 4000, Grammar = path });
        IReadOnlyDictionary<string, double?> last = evaluated.Document.Last!.Metrics;
        double exact = last["likelihood_divergence/kl_model_true"]!.Value;
        ConfidenceInterval byCounts = evaluated.Last.Single(result => result.Metric.Key == "kl_model_true").Values[0].Interval!.Value;
        Assert.True(byCounts.Contains(exact), $"{exact} {byCounts}");
        ConfidenceInterval validity = evaluated.Last.Single(result => result.Metric.Key == "validity").Values[0].Interval!.Value;
        Assert.True(validity.Contains(last["model_mass"]!.Value), $"{last["model_mass"]} {validity}");
        Assert.Equal(1, evaluated.Document.References["memoriser"]["validity"]);
        Assert.Equal(1, evaluated.Document.References["grammar"]["validity"]);
        Assert.True(evaluated.Document.References["grammar"]["divergence/kl_model_true/p_value"] > 0.01);
        Assert.True(evaluated.Document.References["grammar"]["divergence/kl_model_true"] < exact);
    }

    [Fact]
    public void A_generator_that_repeats_itself_is_called_collapsed_and_a_diverged_run_failed()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle", "adversarial.steps=0"));
        string weights = Path.Combine(RunFolder.Open(run.Run).Latest().Path, "generator.safetensors");
        SafetensorsFile.Write(weights, SafetensorsFile.Read(weights).Entries.Select(entry => entry.Name != "output.bias" ? entry
            : SafetensorsEntry.Create<float>(entry.Name, [.. entry.Shape],
                [.. entry.Values<float>().ToArray().Select((value, id) => id == 5 ? 100 : value)])));
        EvaluationDocument collapsed = Evaluate(run, _small).Document;
        Assert.Equal(RunOutcome.Collapsed, collapsed.Status);
        Assert.Contains("40 samples of the last checkpoint hold 1 distinct", collapsed.StatusReason, StringComparison.Ordinal);
        File.WriteAllText(RunFolder.Open(run.Run).Failure, "Training diverged in step 7.\n");
        EvaluationDocument failed = Evaluate(run, _small).Document;
        Assert.Equal((RunOutcome.Failed, null, "Training diverged in step 7."), (failed.Status, failed.Last, failed.StatusReason));
    }

    [Fact]
    public void The_program_evaluates_and_compares_runs_and_refuses_what_does_not_compare()
    {
        using var run = new TemporaryRun();
        var folders = new List<string>();
        foreach (string objective in (string[])["mle", "reinforce"])
        {
            for (int seed = 1; seed <= 2; seed++)
            {
                string folder = Path.Combine(run.Folder, $"{objective}-{seed}");
                TemporaryRun.TrainInto(folder, run.Config($"objective={objective}", $"seed={seed}", "pretraining.patience=0"),
                    new SilentTrainingObserver(), CancellationToken.None);
                ProgramRun evaluated = ProgramRun.Of("evaluate", folder, "--count", "30", "--temperatures", "0.7,1", "--json");
                Assert.Equal((0, ""), (evaluated.ExitCode, evaluated.Error));
                JsonNode document = JsonNode.Parse(evaluated.Output)!;
                Assert.Equal(document["evaluation"]!["last"]!["metrics"]!["bleu/4"]!.GetValue<double>(), document["bleu"]!["4"]!.GetValue<double>());
                Assert.Contains("NLTK", document["self_bleu"]!["name"]!.GetValue<string>(), StringComparison.Ordinal);
                folders.Add(folder);
            }
        }

        string report = Path.Combine(run.Folder, "report.html");
        ProgramRun compared = ProgramRun.Of(["compare", .. folders, "--report", report, "--json"]);
        Assert.Equal(0, compared.ExitCode);
        JsonNode comparison = JsonNode.Parse(compared.Output)!;
        Assert.Equal(["mle", "reinforce"], comparison["methods"]!.AsArray().Select(method => method!["name"]!.GetValue<string>()));
        double[] bleu = [.. folders.Take(2)
            .Select(folder => EvaluationDocument.Parse(File.ReadAllText(Path.Combine(folder, "evaluation.json")),
                folder).Last!.Metrics["bleu/4"]!.Value)];
        Assert.Equal(bleu.Average(), comparison["methods"]![0]!["last"]!["bleu/4"]!["mean"]!.GetValue<double>(), 1e-12);
        Assert.Contains("<!doctype html>", File.ReadAllText(report), StringComparison.Ordinal);
        Assert.Contains("paired t", ProgramRun.Of(["compare", .. folders]).Output, StringComparison.Ordinal);

        ProgramRun.Of("evaluate", folders[0], "--count", "20", "--temperatures", "1");
        ProgramRun refused = ProgramRun.Of(["compare", .. folders]);
        Assert.Equal((2, ""), (refused.ExitCode, refused.Output));
        Assert.Contains("definition of bleu", refused.Error, StringComparison.Ordinal);
        Assert.Contains("FORCED", ProgramRun.Of(["compare", .. folders, "--force"]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_game_that_worsens_its_pre_trained_weights_is_evaluated_at_two_checkpoints_of_its_own()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=gumbel", "adversarial.generator_learning_rate=0.05"));
        EvaluationDocument document = Evaluate(run, _small).Document;
        Assert.False(document.SelectedIsLast);
        Assert.Equal(RunFolder.Open(run.Run).Best().State().Step, document.Selected!.Step);
        Assert.True(document.Selected.Step > RunFolder.Open(run.Run).ReadStart(checkpoint => checkpoint).State().Step);
        Assert.NotEqual(document.Last!.Sweep[0].Metrics["nll/test"], document.Selected.Sweep[0].Metrics["nll/test"]);
        Assert.NotEqual(document.Last.Samples, document.Selected.Samples);
    }

    [Fact]
    public void Pre_training_that_went_back_to_its_best_has_one_model_in_two_checkpoints_which_is_measured_and_shown_once()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle", "adversarial.steps=0", "pretraining.epochs=6", "pretraining.learning_rate=0.3",
            "pretraining.dropout=0"));
        EvaluationDocument document = Evaluate(run, _small).Document;
        Assert.True(document.SelectedIsLast);
        Assert.True(document.Selected!.Step < document.Last!.Step, "the last steps were no better, and were undone");
        Assert.Equal(document.Last.Metrics, document.Selected.Metrics);
        string table = ProgramRun.Of("evaluate", run.Run, "--count", "40", "--temperatures", "1").Output;
        Assert.Contains("last = selected (step", table, StringComparison.Ordinal);
    }

    [Fact]
    public void A_finished_run_of_an_older_version_whose_best_is_pre_trained_is_judged_by_what_is_left_of_its_last_phase()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=gumbel", "adversarial.generator_learning_rate=0.05", "recording.keep_checkpoints=100"));
        RunFolder folder = RunFolder.Open(run.Run);
        long selected = folder.Best().State().Step;
        string start = Path.GetFileName(folder.ReadStart(checkpoint => checkpoint).Path);
        File.WriteAllText(Path.Combine(run.Run, "checkpoints", "best"), start + "\n");
        Assert.Equal(selected, Evaluate(run, _small).Document.Selected!.Step);
        Directory.Delete(folder.OfStep(selected)!.Path, recursive: true);
        EvaluationDocument pruned = Evaluate(run, _small).Document;
        Assert.Equal((pruned.Last!.Step, true), (pruned.Selected!.Step, pruned.SelectedIsLast));
    }

    [Fact]
    public void A_corpus_that_has_moved_is_named_and_taken_by_its_content()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle", "adversarial.steps=0"));
        string before = Evaluate(run, _small).Document.ToJson(), moved = Path.Combine(run.Folder, "moved.txt");
        File.Move(run.Corpus, moved);
        ProgramRun gone = ProgramRun.Of("evaluate", run.Run, "--count", "40");
        Assert.Equal((2, ""), (gone.ExitCode, gone.Output));
        Assert.Contains("is gone; name the place to which it has moved with --corpus", gone.Error, StringComparison.Ordinal);
        Assert.Equal(before, Evaluate(run, _small with { Corpus = moved }).Document.ToJson());
        Assert.Equal(0, ProgramRun.Of("evaluate", run.Run, "--count", "40", "--temperatures", "1", "--corpus", moved).ExitCode);
        string other = Path.Combine(run.Folder, "other.txt");
        File.WriteAllText(other, File.ReadAllText(moved) + "a cat sits\n");
        Assert.Contains("is not the corpus of the run",
            Assert.Throws<UserMistakeException>(() => Evaluate(run, _small with { Corpus = other })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Seeds_trained_on_copies_of_one_corpus_with_other_recording_compare()
    {
        using var run = new TemporaryRun();
        string copy = Path.Combine(run.Folder, "copy.txt");
        File.Copy(run.Corpus, copy);
        string[] folders = [Path.Combine(run.Folder, "one"), Path.Combine(run.Folder, "two")];
        TemporaryRun.TrainInto(folders[0], run.Config("objective=mle", "adversarial.steps=0"), new SilentTrainingObserver(), CancellationToken.None);
        TemporaryRun.TrainInto(folders[1], run.Config("objective=mle", "adversarial.steps=0", $"corpus={copy}", "seed=2", "recording.every=3",
            "recording.samples=5"), new SilentTrainingObserver(), CancellationToken.None);
        Assert.All(folders, folder => Assert.Equal(0, ProgramRun.Of("evaluate", folder, "--count", "30", "--temperatures", "1").ExitCode));
        ProgramRun compared = ProgramRun.Of(["compare", .. folders]);
        Assert.Equal((0, ""), (compared.ExitCode, compared.Error));
        ProgramRun alone = ProgramRun.Of("compare", folders[0], "--report", Path.Combine(run.Folder, "alone.html"));
        Assert.Equal(0, alone.ExitCode);
        Assert.Contains("<h1>Run one</h1>", File.ReadAllText(Path.Combine(run.Folder, "alone.html")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--count 1", "--count must be a whole number of at least 2")]
    [InlineData("--temperatures 1,warm", "'warm'")]
    [InlineData("--temperatures 0", "'0'")]
    public void Wrong_options_are_one_sentence(string options, string expected)
    {
        ProgramRun run = ProgramRun.Of(["evaluate", "nowhere", .. options.Split(' ')]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unfinished_run_and_a_changed_corpus_are_refused()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle", "adversarial.steps=0"));
        File.AppendAllText(run.Corpus, "a cat sits\n");
        Assert.Contains("has changed", Assert.Throws<UserMistakeException>(() => Evaluate(run, _small)).Message, StringComparison.Ordinal);
        File.Delete(Path.Combine(run.Run, "checkpoints", "latest"));
        Assert.Contains("has not finished", Assert.Throws<UserMistakeException>(() => Evaluate(run, _small)).Message, StringComparison.Ordinal);
    }

    private static FinalResults Evaluate(TemporaryRun run, FinalEvaluationOptions options) =>
        FinalEvaluation.Evaluate(run.Run, options, TestContext.Current.CancellationToken);
}
