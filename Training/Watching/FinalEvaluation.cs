using System.Runtime.InteropServices;
using System.Security.Cryptography;
using GumbelGan.Engine;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Watching;

/// <summary>The final evaluation of a run on the test split: both checkpoints, each over temperatures, and rows that are no model.</summary>
/// <param name="Document">What evaluation.json holds.</param>
/// <param name="Last">Every metric of the last checkpoint, intervals included; empty for a failed run.</param>
/// <param name="Selected">The same of the checkpoint with the lowest validation NLL of the last phase.</param>
public sealed record FinalResults(EvaluationDocument Document, IReadOnlyList<MetricResult> Last, IReadOnlyList<MetricResult> Selected);

/// <summary>Evaluates one finished run; see <see cref="Evaluate"/>.</summary>
/// <remarks>
/// All numbers are of the test split and of samples drawn with keys that the run's seed gives, so evaluating again gives the same document.
/// References of BLEU and the like are the test split; the row of real held-out text is the validation split; every row counts equally many
/// sequences.
/// </remarks>
public sealed class FinalEvaluation : IDisposable
{
    private const int SamplesKept = 20;
    private const double CollapsedShare = 0.1;
    private readonly RunFolder _folder;
    private readonly RunConfig _config;
    private readonly EncodedCorpus _corpus;
    private readonly FinalEvaluationOptions _options;
    private readonly RandomKey _key;
    private readonly int _count;
    private readonly int[][] _test, _training, _heldOut;
    private readonly FrozenLanguageModel _frozen;
    private readonly double[,] _testFeatures;
    private readonly GrammarJudge? _grammar;
    private readonly OracleJudge? _oracle;

    private FinalEvaluation(RunFolder folder, RunConfig config, EncodedCorpus corpus, FinalEvaluationOptions options, FrozenLanguageModel frozen)
    {
        (_folder, _config, _corpus, _options, _frozen) = (folder, config, corpus, options, frozen);
        _key = new RandomKey((ulong)config.Seed).Derive("final evaluation");
        _count = Math.Min(options.Count, corpus.Validation.Count);
        _test = Contents(corpus.Test);
        _training = Contents(corpus.Train);
        // Not the first ones: lines of a file may be in an order.
        int[][] validation = Contents(corpus.Validation);
        _heldOut = [.. new RandomStream(_key.Derive("held out")).Choose(_count, validation.Length).Select(line => validation[line])];
        _testFeatures = frozen.Features(_test);
        string grammar = options.Grammar ?? config.Data.Grammar;
        if (grammar.Length > 0 && config.Data.End == SequenceEnd.None)
        {
            throw new UserMistakeException("A grammar judges sequences that end, and this run's do not (data.end is none); leave --grammar out.");
        }

        string oracle = options.Oracle ?? config.Data.Oracle;
        _oracle = oracle.Length > 0 ? new OracleJudge(oracle, corpus.Tokenizer, TrainingJob.FormatOf(corpus)) : null;
        _grammar = grammar.Length > 0 ? new GrammarJudge(grammar, corpus.Tokenizer, options.Count) : null;
    }

    /// <summary>
    /// Evaluates the run in <paramref name="path"/> and writes evaluation.json into its folder. A run whose training diverged is recorded as failed.
    /// </summary>
    /// <param name="path">A run folder.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Stops between two parts; nothing is written then.</param>
    /// <exception cref="UserMistakeException">There is no finished run, or its corpus is gone or another.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static FinalResults Evaluate(string path, FinalEvaluationOptions options, CancellationToken cancellation = default)
    {
        RunFolder folder = RunFolder.Open(path);
        RunConfig config = ConfigurationReader.Read<RunConfig>(folder.Configuration);
        TrainingChecks.RefuseNoisyState(config);
        RunEnvironment environment = RunEnvironment.Read(folder.Environment);
        string? failure = File.Exists(folder.Failure) ? File.ReadAllText(folder.Failure).Trim() : null;
        TrainingState? state = folder.LatestName() is null ? null : folder.ReadLatest(checkpoint => checkpoint.State());
        if (failure is null && state?.Phase != Phase.Finished)
        {
            throw new UserMistakeException(
                $"The run in {path} has not finished; continue it with 'gumbelgan train --resume {path}' and evaluate it then.");
        }

        EngineSettings.Prepare(config.Threads);
        EncodedCorpus corpus = RunCorpus.Read(folder, config, options.Corpus, "--corpus");
        if (corpus.Test.Count == 0)
        {
            throw new UserMistakeException(
                $"The run in {path} held out no test text, which an evaluation measures on; train one with data.test_fraction above 0.");
        }

        var document = new EvaluationDocument
        {
            Method = options.Method ?? config.MethodName,
            Seed = (ulong)config.Seed,
            Status = RunOutcome.Failed,
            StatusReason = failure,
            CorpusHash = environment.CorpusSha256,
            SplitHash = HashOf(corpus),
            TopK = options.Sampling.TopK,
            TopP = options.Sampling.TopP,
            Configuration = ConfigurationWriter.Flat(config),
            Commit = environment.Commit,
            VocabularyHash = environment.VocabularySha256,
            Parameters = new ParameterCounts(environment.GeneratorParameters, environment.DiscriminatorParameters),
            Budget = new RunBudget("updates", PlannedUpdates(config, corpus), state?.GeneratorUpdates ?? 0, state?.RealSequences ?? 0,
                state?.TrainingSeconds ?? 0),
        };
        var result = new FinalResults(document, [], []);
        if (failure is null)
        {
            string shared = Path.Combine(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))!, "frozen-language-models");
            using var frozen = FrozenLanguageModel.For(corpus, config.Data, shared);
            using var evaluation = new FinalEvaluation(folder, config, corpus, options, frozen);
            result = evaluation.Measure(document, cancellation);
        }

        AtomicFile.WriteAllText(Path.Combine(path, EvaluationDocument.FileName), result.Document.ToJson() + "\n");
        return result;
    }

    /// <inheritdoc/>
    public void Dispose() => _oracle?.Dispose();

    private FinalResults Measure(EvaluationDocument document, CancellationToken cancellation)
    {
        Checkpoint lastCheckpoint = _folder.Latest(), selectedCheckpoint = SelectedOf(_folder);
        (CheckpointMetrics last, IReadOnlyList<MetricResult> ofLast, int[][] lastSamples) = OverTemperatures(lastCheckpoint, cancellation);
        bool same = selectedCheckpoint.HasTheGeneratorOf(lastCheckpoint);
        (CheckpointMetrics selected, IReadOnlyList<MetricResult> ofSelected, _) =
            same ? (last, ofLast, lastSamples) : OverTemperatures(selectedCheckpoint, cancellation);
        int distinct = Distinct(lastSamples.Take(_count).Select(row => InterimEvaluation.Content(row, _corpus.Tokenizer)));
        int real = Distinct(_heldOut);
        bool collapsed = distinct < CollapsedShare * real;
        return new FinalResults(
            document with
            {
                Status = collapsed ? RunOutcome.Collapsed : RunOutcome.Completed,
                StatusReason = collapsed ? $"{_count} samples of the last checkpoint hold {distinct} distinct sequences, fewer than a tenth of "
                    + $"the {real} that as many real lines hold." : null,
                Last = last,
                Selected = selected with { Step = selectedCheckpoint.State().Step, SelectedBy = "nll/validation" },
                SelectedIsLast = same,
                References = References(),
                MetricNames = ofLast.ToDictionary(result => result.Metric.Key, result => result.Name),
            },
            ofLast,
            ofSelected);
    }

    // In folders of older versions "best" is the best of the whole run. Only a best of the last phase is taken; else the last weights.
    private static Checkpoint SelectedOf(RunFolder folder)
    {
        Checkpoint best = folder.Best();
        return RunSummary.Read(folder.Path).SelectedStep is { } step && step != best.State().Step ? folder.OfStep(step) ?? folder.Latest() : best;
    }

    private (CheckpointMetrics Metrics, IReadOnlyList<MetricResult> Results, int[][] Samples) OverTemperatures(
        Checkpoint checkpoint, CancellationToken cancellation)
    {
        (IReadOnlyList<MetricResult> results, int[][] samples) = AtTemperature(checkpoint, 1);
        var sweep = new List<SweepPoint>();
        foreach (double temperature in _options.Temperatures)
        {
            cancellation.ThrowIfCancellationRequested();
            sweep.Add(new SweepPoint(temperature,
                EvaluationDocument.Tagged(temperature == 1 ? results : AtTemperature(checkpoint, temperature).Results)));
        }

        var metrics = new CheckpointMetrics(checkpoint.State().Step, EvaluationDocument.Tagged(results))
        {
            Sweep = sweep,
            Samples = [.. samples.Take(SamplesKept).Select(row => SequenceLine.Of(_corpus.Tokenizer.Decode(row)))],
        };
        return (metrics, results, samples);
    }

    // The same metrics of what is no model.
    private Dictionary<string, IReadOnlyDictionary<string, double?>> References()
    {
        var random = new RandomStream(_key.Derive("memoriser"));
        int[][] memorised = [.. Enumerable.Range(0, _options.Count).Select(_ => _training[random.NextInt32(_training.Length)])];
        var references = new Dictionary<string, IReadOnlyDictionary<string, double?>>
        {
            ["held_out"] = EvaluationDocument.Tagged(OfText(_heldOut, "held out")),
            ["memoriser"] = EvaluationDocument.Tagged(OfText(memorised, "memoriser")),
        };
        if (_grammar is not null)
        {
            references["grammar"] = EvaluationDocument.Tagged(OfText(_grammar.Draw(_options.Count, _key.Derive("grammar")), "grammar"));
        }

        return references;
    }

    private (IReadOnlyList<MetricResult> Results, int[][] Samples) AtTemperature(Checkpoint checkpoint, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        using IGenerator generator = TrainingJob.Load(_folder, checkpoint, _config.Recording.Weights, _corpus).Generator;
        generator.Temper(temperature);

        // One key for all checkpoints and temperatures: the same noise decides, so that curves are smooth and differences are the models'.
        SamplingRule rule = _options.Sampling with { Temperature = 1 };
        int[][] samples = [.. HardSamples.Draw(generator, _options.Count, rule, _key.Derive("samples"))];
        HeldOutLikelihood likelihood = HeldOutLikelihood.Measure(generator, _corpus.Test);
        MetricInputs inputs = Inputs([.. samples.Select(row => InterimEvaluation.Content(row, _corpus.Tokenizer))]) with
        {
            Likelihoods =
                [new SplitLikelihood("test", "held-out test text under the model", likelihood.PerToken * likelihood.Tokens, likelihood.Tokens,
                likelihood.Sequences), .. OfOracle(samples)],
            DrawnWith = rule.Description,
        };
        if (_grammar is not null)
        {
            string?[] texts = [.. samples.Select(row => row.Contains(_corpus.Tokenizer.EndId) ? _corpus.Tokenizer.Decode(row) : null)];
            // Samples of another distribution than the likelihoods are say nothing about these.
            inputs = _grammar.Judge(inputs, texts, _key.Derive("bootstrap"))
                with
            { LikelihoodDivergences = rule.IsTruncated ? null : _grammar.Likelihoods(generator, samples, texts) };
        }

        return (MetricCatalogue.Compute(inputs), samples);
    }

    // Divergences and coverage by counts depend on how many are counted; of fewer than of every other row they are left out.
    private IReadOnlyList<MetricResult> OfText(int[][] sequences, string name)
    {
        MetricInputs inputs = Inputs(sequences) with { Likelihoods = OfOracle(sequences) };
        RandomKey? bootstrap = sequences.Length < _options.Count ? null : _key.Derive(name);
        return MetricCatalogue.Compute(
            _grammar is null ? inputs : _grammar.Judge(inputs, [.. sequences.Select(row => _corpus.Tokenizer.Decode(row))], bootstrap));
    }

    private IReadOnlyList<SplitLikelihood> OfOracle(int[][] sequences) => _oracle is null ? [] : [_oracle.Score(sequences)];

    private MetricInputs Inputs(int[][] sequences)
    {
        int[][] counted = sequences[..Math.Min(_count, sequences.Length)];
        return new MetricInputs
        {
            Generated = counted,
            References = _test,
            Training = _training,
            GeneratedFeatures = _frozen.Features(counted),
            ReferenceFeatures = _testFeatures,
        };
    }

    // Each sequence has its end token, and each split a mark, so two corpora have one hash only where they are split alike.
    private static string HashOf(EncodedCorpus corpus)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (SequenceSet set in (SequenceSet[])[corpus.Train, corpus.Validation, corpus.Test])
        {
            for (int i = 0; i < set.Count; i++)
            {
                hash.AppendData(MemoryMarshal.AsBytes<int>([.. set[i], -1]));
            }

            hash.AppendData(MemoryMarshal.AsBytes<int>([-2]));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static long PlannedUpdates(RunConfig config, EncodedCorpus corpus)
    {
        long perEpoch = (corpus.Train.Count + config.Pretraining.BatchSize - 1) / config.Pretraining.BatchSize;
        int perStep = config.Objective.GeneratorUpdatesAStep(config);
        return config.Pretraining.Epochs * perEpoch + (long)config.Adversarial.Steps * perStep;
    }

    private static int Distinct(IEnumerable<int[]> sequences) =>
        sequences.Select(sequence => string.Join(' ', sequence)).Distinct(StringComparer.Ordinal).Count();

    private int[][] Contents(SequenceSet set) =>
        [.. Enumerable.Range(0, set.Count).Select(i => InterimEvaluation.Content(set[i].ToArray(), _corpus.Tokenizer))];
}
