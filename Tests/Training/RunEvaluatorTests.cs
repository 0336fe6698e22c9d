using System.Text.Json.Nodes;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Comparison;
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
public sealed class RunEvaluatorTests
{
    private static readonly EvaluationOptions _small = new() { Count = 40, Temperatures = [0.5, 1] };

    [Fact]
    public void An_evaluation_holds_both_checkpoints_the_sweep_and_the_rows_that_are_no_model()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=reinforce"));
        RunEvaluation written = Evaluate(run, _small).Evaluation;
        var read = RunEvaluation.Parse(File.ReadAllText(Path.Combine(run.Run, RunEvaluation.FileName)), "test");
        Assert.Equal(written.ToJson(), read.ToJson());
        TrainingState state = RunFolder.Open(run.Run).Latest().State();
        Assert.Equal(("reinforce", 1UL, state.Step, state.BestStep), (read.Method, read.Seed, read.Last!.Step, read.Best!.Step));
        Assert.Equal((state.GeneratorUpdates, state.RealSequences), (read.Budget.Updates, read.Budget.SequencesSeen));
        Assert.True(read.Budget.WallSeconds > 0 && read.Budget.Limit >= read.Budget.Updates);

        // The run's own journal and the evaluation agree on the test split's NLL.
        Assert.Equal(TrainingSummary.Read(run.Run).TestNll!.Value, read.Last.Metrics["nll/test"]!.Value, 1e-6);
        Assert.Equal([0.5, 1], read.Sweep.Select(point => point.Temperature));
        Assert.Equal(read.Best.Metrics["bleu/4"], read.Sweep[1].Metrics["bleu/4"]);
        Assert.NotEqual(read.Sweep[0].Metrics["nll/test"], read.Sweep[1].Metrics["nll/test"]);
        Assert.Equal(0, read.References["memoriser"]["diversity/novelty"]);
        Assert.True(read.References["held_out"]["bleu/4"] > read.Last.Metrics["bleu/4"],
            "two passes over 180 lines do not make a model write better than people");
        Assert.True(read.References["held_out"]["frechet"] < read.Last.Metrics["frechet"]);
        Assert.Equal(Evaluate(run, _small).Evaluation.ToJson(), read.ToJson());
    }

    [Fact]
    public void Every_metric_of_the_held_out_row_is_that_of_the_validation_lines_against_the_test_lines()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=mle", "adversarial.steps=0");
        run.Train(config);
        RunEvaluation evaluation = Evaluate(run, _small).Evaluation;
        var words = new TextSequences(TextUnit.Word);
        var corpus = EncodedCorpus.Read(run.Corpus, config.Tokenizer, config.Data);
        List<int[]> heldOut = words.Read(Lines(corpus.Validation)[..40]), test = words.Read(Lines(corpus.Test));
        Assert.Equal(Bleu.Average(heldOut, test)[3], evaluation.References["held_out"]["bleu/4"]!.Value, 1e-12);
        Assert.Equal(Bleu.AverageSelf(heldOut)[2], evaluation.References["held_out"]["self_bleu/3"]!.Value, 1e-12);

        string[] Lines(SequenceSet set) => [.. Enumerable.Range(0, set.Count).Select(i => corpus.Tokenizer.Decode(set[i]))];
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
        EvaluatedCheckpoints evaluated = Evaluate(run, _small with { Count = 4000, Grammar = path });
        IReadOnlyDictionary<string, double?> last = evaluated.Evaluation.Last!.Metrics;
        double exact = last["likelihood_divergence/kl_model_true"]!.Value;
        ConfidenceInterval byCounts = evaluated.Last.Single(result => result.Metric.Key == "kl_model_true").Values[0].Interval!.Value;
        Assert.True(byCounts.Contains(exact), $"{exact} {byCounts}");
        ConfidenceInterval validity = evaluated.Last.Single(result => result.Metric.Key == "validity").Values[0].Interval!.Value;
        Assert.True(validity.Contains(last["model_mass"]!.Value), $"{last["model_mass"]} {validity}");
        Assert.Equal(1, evaluated.Evaluation.References["memoriser"]["validity"]);
        Assert.Equal(1, evaluated.Evaluation.References["grammar"]["validity"]);
        Assert.True(evaluated.Evaluation.References["grammar"]["divergence/kl_model_true/p_value"] > 0.01);
        Assert.True(evaluated.Evaluation.References["grammar"]["divergence/kl_model_true"] < exact);
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
        RunEvaluation collapsed = Evaluate(run, _small).Evaluation;
        Assert.Equal(RunOutcome.Collapsed, collapsed.Status);
        Assert.Contains("40 samples of the last checkpoint hold 1 distinct", collapsed.StatusReason, StringComparison.Ordinal);
        File.WriteAllText(RunFolder.Open(run.Run).Failure, "Training diverged in step 7.\n");
        RunEvaluation failed = Evaluate(run, _small).Evaluation;
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
            .Select(folder => RunEvaluation.Parse(File.ReadAllText(Path.Combine(folder, "evaluation.json")), folder).Last!.Metrics["bleu/4"]!.Value)];
        Assert.Equal(bleu.Average(), comparison["methods"]![0]!["last"]!["bleu/4"]!["mean"]!.GetValue<double>(), 1e-12);
        Assert.Contains("<!doctype html>", File.ReadAllText(report), StringComparison.Ordinal);
        Assert.Contains("paired t", ProgramRun.Of(["compare", .. folders]).Output, StringComparison.Ordinal);

        ProgramRun.Of("evaluate", folders[0], "--count", "20", "--temperatures", "1");
        ProgramRun refused = ProgramRun.Of(["compare", .. folders]);
        Assert.Equal((2, ""), (refused.ExitCode, refused.Output));
        Assert.Contains("definition of bleu", refused.Error, StringComparison.Ordinal);
        Assert.Contains("FORCED", ProgramRun.Of(["compare", .. folders, "--force"]).Output, StringComparison.Ordinal);
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

    private static EvaluatedCheckpoints Evaluate(TemporaryRun run, EvaluationOptions options) =>
        RunEvaluator.Evaluate(run.Run, options, TestContext.Current.CancellationToken);
}
