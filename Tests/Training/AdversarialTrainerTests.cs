using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using TorchSharp;
using Xunit;

namespace GumbelGan.Tests.Training;

public sealed class AdversarialTrainerTests
{
    public static TheoryData<string[]> Variants =>
    [
        new[] { "objective=gumbel", "discriminator.kind=cnn" },
        new[] { "objective=gumbel", "discriminator.kind=lstm", "adversarial.relaxation=straight_through", "adversarial.generator_steps=2",
            "adversarial.discriminator_steps=3" },
        new[] { "objective=gumbel", "discriminator.kind=lstm", "adversarial.loss=wasserstein", "adversarial.gradient_penalty=10" },
        new[] { "objective=gumbel", "adversarial.loss=hinge", "generator.feedback=hard" },
        new[] { "objective=gumbel", "adversarial.loss=non_saturating", "generator.layers=2", "temperature.schedule=relgan" },
        new[] { "objective=gumbel", "adversarial.relaxation=straight_through", "adversarial.average_decay=0.9", "recording.weights=average",
            "adversarial.discriminator_batch_size=5", "adversarial.loss=density_ratio", "adversarial.label_smoothing=0.1" },
        new[] { "objective=gumbel", "adversarial.loss=non_saturating", "adversarial.likelihood_weight=0.5",
            "adversarial.discriminator_restart_every=3", "adversarial.generator_schedule=cosine", "adversarial.discriminator_schedule=cosine" },
        new[] { "objective=reinforce", "reinforce.credit=roll_outs", "reinforce.roll_outs=2", "reinforce.reward=score",
            "adversarial.average_decay=0.9", "adversarial.batch_size=1", "adversarial.discriminator_batch_size=4", "data.split=occurrences",
            "adversarial.loss=relativistic_ratio" },
        new[] { "objective=gumbel", "adversarial.loss=wasserstein", "discriminator.spectral_norm=true", "adversarial.relaxation=straight_through",
            "adversarial.discriminator_steps=2", "adversarial.discriminator_restart_every=5" },
        new[] { "objective=reinforce", "discriminator.kind=lstm", "discriminator.spectral_norm=true", "adversarial.loss=hinge",
            "adversarial.gradient_penalty=1", "reinforce.credit=dense" },
        new[] { "objective=mle" },
        new[] { "objective=reinforce", "discriminator.kind=cnn", "reinforce.baseline=moving_average" },
        new[] { "objective=reinforce", "discriminator.kind=lstm", "reinforce.credit=roll_outs", "reinforce.roll_outs=3",
            "adversarial.generator_steps=2" },
        new[] { "objective=reinforce", "discriminator.kind=lstm", "reinforce.credit=dense", "reinforce.whiten=true", "reinforce.entropy_bonus=0.01" },
        new[] { "objective=reinforce", "reinforce.reward=random", "reinforce.baseline=leave_one_out", "generator.layers=2" },
        new[] { "objective=rebar", "reinforce.reward=score" },
        new[] { "objective=relax", "adversarial.generator_steps=2", "adversarial.average_decay=0.9" },
        new[] { "objective=critic", "reinforce.baseline=moving_average", "discriminator.kind=lstm" },
    ];

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_run_writes_every_file_of_its_folder_and_finite_numbers(string[] assignments)
    {
        using var run = new TemporaryRun();
        run.Train(run.Config(assignments));
        foreach (string file in (string[])["config.yaml", "environment.json", "metrics.jsonl", "checkpoints/latest", "checkpoints/best",
            "samples/000000.txt"])
        {
            Assert.True(File.Exists(Path.Combine(run.Run, file)), file);
        }

        Assert.Single(Directory.GetFiles(run.Run, "events.out.tfevents.*"));
        IReadOnlyList<MetricsRecord> records = MetricsJournal.Read(Path.Combine(run.Run, "metrics.jsonl"));
        Assert.All(records.SelectMany(record => record.Scalars), scalar => Assert.True(double.IsFinite(scalar.Value), scalar.Key));
        string[] tags = [.. records.SelectMany(record => record.Scalars.Keys).Distinct()];
        Assert.Contains("nll/validation", tags);
        Assert.Contains("bleu/4", tags);
        Assert.Equal(assignments[0] != "objective=mle", tags.Contains("loss/generator"));
        Assert.Single(records, record => record.Scalars.ContainsKey("nll/test"));
    }

    [Fact]
    public void Pre_training_lowers_the_held_out_NLL_of_a_learnable_language_towards_its_entropy()
    {
        using var run = new TemporaryRun(3000);
        run.Train(run.Config("objective=mle", "adversarial.steps=0", "pretraining.epochs=10", "pretraining.learning_rate=0.01",
            "pretraining.dropout=0", "generator.hidden=16", "recording.evaluate_every=0", "recording.checkpoint_every=1000"));
        RunSummary summary = RunSummary.Read(run.Run);
        Assert.InRange(summary.FirstValidationNll!.Value, 2.5, 4);
        Assert.InRange(summary.SelectedValidationNll!.Value, TemporaryRun.Entropy - 0.05, TemporaryRun.Entropy + 0.1);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_run_interrupted_again_and_again_ends_exactly_as_one_that_was_not(string[] assignments)
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config(assignments);
        run.Train(config);
        string other = Path.Combine(run.Folder, "interrupted");
        Interrupted(token => TemporaryRun.TrainInto(other, config, new CancellingObserver(token, 4), token.Token));
        int resumes = 0;
        while (Interrupted(token => TrainingJob.Resume(other, new CancellingObserver(token, 3), token.Token)))
        {
            resumes++;
        }

        Assert.True(resumes >= 3, $"{resumes} resumes");
        AssertSameRun(run.Run, other);
    }

    [Fact]
    public void With_a_grammar_every_evaluation_tells_validity_and_divergence_as_the_final_one_computes_them()
    {
        using var run = new TemporaryRun();
        string grammar = Path.Combine(run.Folder, "sums.grammar");
        File.WriteAllText(grammar, "%join characters\n%maximum 7\nS -> S \"+\" S | S \"-\" S | \"x\"\n");
        var random = new RandomStream(new RandomKey(1));
        var sums = Grammar.Load(grammar);
        File.WriteAllLines(run.Corpus, Enumerable.Range(0, 300).Select(_ => sums.Sample(random)));
        run.Train(run.Config("objective=gumbel", "tokenizer.kind=char", "data.split=occurrences", $"data.grammar={grammar}"));
        IReadOnlyList<MetricsRecord> records = MetricsJournal.Read(Path.Combine(run.Run, "metrics.jsonl"));
        Assert.Equal(records.Count(record => record.Scalars.ContainsKey("nll/validation")),
            records.Count(record => record.Scalars.ContainsKey("likelihood_divergence/jensen_shannon")));
        MetricsRecord last = records.Last(record => record.Scalars.ContainsKey("likelihood_divergence/jensen_shannon"));
        FinalResults evaluated = FinalEvaluation.Evaluate(run.Run, new FinalEvaluationOptions { Count = 50, Temperatures = [1] },
            TestContext.Current.CancellationToken);
        IReadOnlyDictionary<string, double?> final = evaluated.Document.Last!.Metrics;
        Assert.Equal(final["likelihood_divergence/jensen_shannon"]!.Value, last.Scalars["likelihood_divergence/jensen_shannon"], 1e-5);
        Assert.Equal(final["model_mass"]!.Value, last.Scalars["model_mass"], 1e-5);
    }

    [Theory]
    [InlineData("adversarial.label_smoothing=0.1", "adversarial.loss=hinge", "non_saturating or density_ratio")]
    [InlineData("discriminator.spectral_norm=false", "adversarial.loss=wasserstein", "or set discriminator.spectral_norm to true.")]
    [InlineData("discriminator.spectral_norm=1", "adversarial.loss=wasserstein", "'discriminator.spectral_norm' must be true or false")]
    [InlineData("recording.weights=average", "adversarial.loss=hinge", "needs adversarial.average_decay")]
    [InlineData("reinforce.baseline=leave_one_out", "adversarial.batch_size=1", "adversarial.batch_size must be at least 2")]
    public void What_does_not_fit_together_is_refused_in_one_sentence(string one, string other, string said)
    {
        using var run = new TemporaryRun();
        UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => run.Config("objective=reinforce", one, other));
        Assert.Contains(said, mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_of_paired_scores_wants_equal_batches_where_the_generator_minimises_it_and_nowhere_else()
    {
        using var run = new TemporaryRun();
        string[] other = ["adversarial.discriminator_batch_size=5", "adversarial.loss=relativistic", "adversarial.steps=2"];
        UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => run.Config(["objective=gumbel", .. other]));
        Assert.Contains("must be batch_size with adversarial.loss relativistic", mistake.Message, StringComparison.Ordinal);
        run.Train(run.Config(["objective=rloo", .. other]));
        Assert.Equal(Phase.Finished, RunFolder.Open(run.Run).Latest().State().Phase);
    }

    [Theory]
    [InlineData("gumbel")]
    [InlineData("mle")]
    public void Averaged_weights_are_the_exponential_average_of_the_updates_and_can_be_sampled(string objective)
    {
        using var run = new TemporaryRun();
        run.Train(run.Config($"objective={objective}", "adversarial.average_decay=0.8", "pretraining.epochs=1", "adversarial.steps=5",
            "recording.checkpoint_every=1", "recording.keep_checkpoints=100", "recording.evaluate_every=1000"));
        Checkpoint[] checkpoints = [.. Directory.GetDirectories(Path.Combine(run.Run, "checkpoints")).Order(StringComparer.Ordinal)
            .Select(path => new Checkpoint(path)).Where(checkpoint => checkpoint.HasAverage).TakeLast(5)];
        double[] expected = [];
        double total = 0;
        for (int i = 0; i < checkpoints.Length; i++)
        {
            Assert.Equal(i + 1, checkpoints[i].State().Objective["average_updates"]);
            double share = Math.Pow(0.8, checkpoints.Length - 1 - i);
            total += share;
            double[] weights = Weights(checkpoints[i], GeneratorWeights.Last);
            expected = [.. weights.Select((weight, at) => share * weight + (i == 0 ? 0 : expected[at]))];
        }

        Assert.Equal(5, checkpoints.Length);
        double[] average = Weights(checkpoints[^1], GeneratorWeights.Average);
        Assert.All(expected.Zip(average), pair => Assert.Equal(pair.First / total, pair.Second, 1e-6));
        Assert.NotEqual(Weights(checkpoints[^1], GeneratorWeights.Last), average);

        double[] Weights(Checkpoint checkpoint, GeneratorWeights which)
        {
            using IGenerator generator = TrainingJob.Load(RunFolder.Open(run.Run), checkpoint, which).Generator;
            return [.. generator.Module.parameters().SelectMany(parameter => parameter.data<float>().ToArray().Select(value => (double)value))];
        }
    }

    [Fact]
    public void A_thousand_steps_leave_the_live_tensor_count_and_the_memory_flat()
    {
        using var run = new TemporaryRun();
        var counts = new CountingObserver();
        run.Train(run.Config("objective=gumbel", "pretraining.epochs=0", "adversarial.steps=1000", "recording.every=50",
            "recording.evaluate_every=1000", "recording.checkpoint_every=2000"), counts);
        Assert.True(counts.Live.Count >= 15);
        Assert.Single(counts.Live.Skip(3).Distinct());
        Assert.True(counts.Resident[^1] - counts.Resident[5] < 30 << 20, $"resident memory grew from {counts.Resident[5]} to {counts.Resident[^1]}");
    }

    [Fact]
    public void A_loss_that_is_no_number_stops_the_run_with_its_step_and_its_last_checkpoint_named()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("objective=gumbel");
        Assert.True(Interrupted(token => TemporaryRun.TrainInto(run.Run, config, new CancellingObserver(token, 4), token.Token)));
        Checkpoint latest = RunFolder.Open(run.Run).Latest();
        string weights = Path.Combine(latest.Path, "generator.safetensors");
        SafetensorsFile.Write(weights, SafetensorsFile.Read(weights).Entries.Select(
            entry => SafetensorsEntry.Create<float>(entry.Name, [.. entry.Shape], [.. entry.Values<float>().ToArray().Select(_ => float.NaN)])));
        TrainingDivergedException stopped =
            Assert.Throws<TrainingDivergedException>(() => TrainingJob.Resume(run.Run, new SilentTrainingObserver(), CancellationToken.None));
        Assert.Equal(latest.State().Step + 1, stopped.Step);
        Assert.Contains($"step {stopped.Step} (pretraining)", stopped.Message, StringComparison.Ordinal);
        Assert.Contains($"the last good checkpoint is {Path.GetFileName(latest.Path)}", stopped.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_of_another_configuration_is_refused_in_one_sentence()
    {
        using var run = new TemporaryRun();
        run.Train(run.Config("objective=mle", "adversarial.steps=0"));
        string configuration = Path.Combine(run.Run, "config.yaml");
        File.WriteAllText(configuration, File.ReadAllText(configuration).Replace("hidden: 8", "hidden: 9", StringComparison.Ordinal));
        UserMistakeException mistake =
            Assert.Throws<UserMistakeException>(() => TrainingJob.Load(RunFolder.Open(run.Run), RunFolder.Open(run.Run).Latest()));
        Assert.Contains("it belongs to another configuration", mistake.Message, StringComparison.Ordinal);
    }

    /// <summary>Weights, optimizer moments, metrics and samples, byte for byte.</summary>
    internal static void AssertSameRun(string expected, string actual)
    {
        // Interruptions leave checkpoints of their own; those that count are the ones pointed to.
        string[] checkpoints = [.. ((string[])["latest", "best"])
            .Select(pointer => Path.Combine("checkpoints", File.ReadAllText(Path.Combine(expected, "checkpoints", pointer)).Trim()))];
        string[] files =
        [
            "metrics.jsonl", "checkpoints/latest", "checkpoints/best",
            .. checkpoints.Append("samples").SelectMany(folder => Directory.EnumerateFiles(Path.Combine(expected, folder)))
                .Select(file => Path.GetRelativePath(expected, file)).Where(file => Path.GetFileName(file) != "state.json"),
        ];
        Assert.Equal(Phase.Finished, RunFolder.Open(actual).Latest().State().Phase);
        foreach (string file in files)
        {
            Assert.True(File.ReadAllBytes(Path.Combine(expected, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, file))),
                $"{file} differs");
        }
    }

    private static bool Interrupted(Action<CancellationTokenSource> train)
    {
        using var source = new CancellationTokenSource();
        try
        {
            train(source);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    /// <summary>Cancels after a number of reports.</summary>
    private sealed class CancellingObserver(CancellationTokenSource source, int reports) : ITrainingObserver
    {
        private int _left = reports;

        public void OnPhase(string name, int steps)
        {
        }

        public void OnStep(StepReport report)
        {
            if (--_left == 0)
            {
                source.Cancel();
            }
        }

        public void OnSamples(int step, IReadOnlyList<string> real, IReadOnlyList<string> generated)
        {
        }

        public void OnMessage(string message)
        {
        }
    }

    /// <summary>Notes tensors alive and resident memory at each report.</summary>
    private sealed class CountingObserver : ITrainingObserver
    {
        public List<long> Live { get; } = [];

        public List<long> Resident { get; } = [];

        public void OnPhase(string name, int steps)
        {
        }

        public void OnStep(StepReport report)
        {
            Live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Resident.Add(Environment.WorkingSet);
        }

        public void OnSamples(int step, IReadOnlyList<string> real, IReadOnlyList<string> generated)
        {
        }

        public void OnMessage(string message)
        {
        }
    }
}
