using GumbelGan.Engine;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Watching;

/// <summary>The final evaluation of a run on the test split: both checkpoints, the temperature sweep, and rows that are no model.</summary>
/// <param name="Evaluation">What evaluation.json holds.</param>
/// <param name="Last">Every metric of the last checkpoint, intervals included; empty for a failed run.</param>
/// <param name="Best">The same of the checkpoint with the lowest validation NLL.</param>
public sealed record EvaluatedCheckpoints(RunEvaluation Evaluation, IReadOnlyList<MetricResult> Last, IReadOnlyList<MetricResult> Best);

/// <summary>Evaluates one finished run; see <see cref="Evaluate"/>.</summary>
/// <remarks>
/// All numbers are of the test split and of samples drawn with keys that the run's seed gives, so evaluating again gives the same document.
/// References of BLEU and the like are the test split; the row of real held-out text is the validation split; every row counts equally many
/// sequences.
/// </remarks>
public sealed class RunEvaluator
{
    private const int SamplesKept = 20;
    private const double CollapsedShare = 0.1;
    private readonly RunFolder _folder;
    private readonly RunConfig _config;
    private readonly EncodedCorpus _corpus;
    private readonly EvaluationOptions _options;
    private readonly RandomKey _key;
    private readonly int _count;
    private readonly int[][] _test, _training, _heldOut;
    private readonly FrozenLanguageModel _frozen;
    private readonly double[,] _testFeatures;
    private readonly GrammarJudge? _grammar;

    private RunEvaluator(RunFolder folder, RunConfig config, EncodedCorpus corpus, EvaluationOptions options, FrozenLanguageModel frozen)
    {
        (_folder, _config, _corpus, _options, _frozen) = (folder, config, corpus, options, frozen);
        _key = new RandomKey((ulong)config.Seed).Derive("final evaluation");
        _count = Math.Min(options.Count, corpus.Validation.Count);
        _test = Contents(corpus.Test);
        _training = Contents(corpus.Train);
        _heldOut = Contents(corpus.Validation)[.._count];
        _testFeatures = frozen.Features(_test);
        _grammar = options.Grammar is { } grammar ? new GrammarJudge(grammar, corpus.Tokenizer, options.Count) : null;
    }

    /// <summary>
    /// Evaluates the run in <paramref name="path"/> and writes evaluation.json into its folder. A run whose training diverged is recorded as failed.
    /// </summary>
    /// <param name="path">A run folder.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Stops between two parts; nothing is written then.</param>
    /// <exception cref="UserMistakeException">There is no finished run, or its corpus is gone or changed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static EvaluatedCheckpoints Evaluate(string path, EvaluationOptions options, CancellationToken cancellation = default)
    {
        RunFolder folder = RunFolder.Open(path);
        RunConfig config = ConfigurationReader.Read<RunConfig>(folder.Configuration);
        RunEnvironment environment = RunEnvironment.Read(folder.Environment);
        string? failure = File.Exists(folder.Failure) ? File.ReadAllText(folder.Failure).Trim() : null;
        TrainingState? state = folder.LatestName() is null ? null : folder.Latest().State();
        if (failure is null && state?.Phase != Phase.Finished)
        {
            throw new UserMistakeException(
                $"The run in {path} has not finished; continue it with 'gumbelgan train --resume {path}' and evaluate it then.");
        }

        EngineSettings.Prepare(config.Threads);
        EncodedCorpus corpus = RunCorpus.Read(folder, config);
        var document = new RunEvaluation
        {
            Method = options.Method ?? config.Objective.MethodName(config),
            Seed = (ulong)config.Seed,
            Status = RunOutcome.Failed,
            StatusReason = failure,
            CorpusHash = environment.CorpusSha256,
            VocabularyHash = environment.VocabularySha256,
            Parameters = new ParameterCounts(environment.GeneratorParameters, environment.DiscriminatorParameters),
            Budget = new RunBudget("updates", PlannedUpdates(config, corpus), state?.GeneratorUpdates ?? 0, state?.RealSequences ?? 0,
                state?.TrainingSeconds ?? 0),
        };
        var result = new EvaluatedCheckpoints(document, [], []);
        if (failure is null)
        {
            string shared = Path.Combine(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))!, "frozen-language-models");
            using var frozen = FrozenLanguageModel.For(corpus, config.Data, shared);
            result = new RunEvaluator(folder, config, corpus, options, frozen).Measure(document, cancellation);
        }

        AtomicFile.WriteAllText(Path.Combine(path, RunEvaluation.FileName), result.Evaluation.ToJson() + "\n");
        return result;
    }

    private EvaluatedCheckpoints Measure(RunEvaluation document, CancellationToken cancellation)
    {
        (IReadOnlyList<MetricResult> last, int[][] lastSamples) = AtTemperature(_folder.Latest(), 1);
        cancellation.ThrowIfCancellationRequested();
        (IReadOnlyList<MetricResult> best, int[][] bestSamples) = AtTemperature(_folder.Best(), 1);
        var sweep = new List<SweepPoint>();
        foreach (double temperature in _options.Temperatures)
        {
            cancellation.ThrowIfCancellationRequested();
            sweep.Add(new SweepPoint(temperature,
                RunEvaluation.Tagged(temperature == 1 ? best : AtTemperature(_folder.Best(), temperature).Results)));
        }

        var random = new RandomStream(_key.Derive("memoriser"));
        int[][] memorised = [.. Enumerable.Range(0, _options.Count).Select(_ => _training[random.NextInt32(_training.Length)])];
        var references = new Dictionary<string, IReadOnlyDictionary<string, double?>>
        {
            ["held_out"] = RunEvaluation.Tagged(OfText(_heldOut, "held out")),
            ["memoriser"] = RunEvaluation.Tagged(OfText(memorised, "memoriser")),
        };
        if (_grammar is not null)
        {
            references["grammar"] = RunEvaluation.Tagged(OfText(_grammar.Draw(_options.Count, _key.Derive("grammar")), "grammar"));
        }

        int distinct = Distinct(lastSamples.Take(_count).Select(row => Evaluator.Content(row, _corpus.Tokenizer))), real = Distinct(_heldOut);
        bool collapsed = distinct < CollapsedShare * real;
        return new EvaluatedCheckpoints(
            document with
            {
                Status = collapsed ? RunOutcome.Collapsed : RunOutcome.Completed,
                StatusReason = collapsed ? $"{_count} samples of the last checkpoint hold {distinct} distinct sequences, fewer than a tenth of "
                    + $"the {real} that as many real lines hold." : null,
                Last = new CheckpointEvaluation(_folder.Latest().State().Step, RunEvaluation.Tagged(last)),
                Best = new CheckpointEvaluation(_folder.Best().State().Step, RunEvaluation.Tagged(best), "nll/validation"),
                References = references,
                Sweep = sweep,
                Samples = [.. bestSamples.Take(SamplesKept).Select(row => _corpus.Tokenizer.Decode(row))],
                MetricNames = last.ToDictionary(result => result.Metric.Key, result => result.Name),
            },
            last,
            best);
    }

    private (IReadOnlyList<MetricResult> Results, int[][] Samples) AtTemperature(Checkpoint checkpoint, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        using IGenerator generator = TrainingJob.Load(_folder, checkpoint, _corpus).Generator;
        generator.Temper(temperature);

        // One key for all checkpoints and temperatures: the same noise decides, so that curves are smooth and differences are the models'.
        int[][] samples = Evaluator.Sample(generator, _options.Count, 1, _key.Derive("samples"));
        HeldOutLikelihood likelihood = HeldOutLikelihood.Measure(generator, _corpus.Test);
        MetricInputs inputs = Inputs([.. samples.Select(row => Evaluator.Content(row, _corpus.Tokenizer))]) with
        {
            Likelihoods =
                [new SplitLikelihood("test", "held-out test text under the model", likelihood.PerToken * likelihood.Tokens, likelihood.Tokens,
                likelihood.Sequences)],
        };
        if (_grammar is not null)
        {
            string?[] texts = [.. samples.Select(row => row.Contains(_corpus.Tokenizer.EndId) ? _corpus.Tokenizer.Decode(row) : null)];
            inputs = _grammar.Judge(inputs, texts, _key.Derive("bootstrap"))
                with
            { LikelihoodDivergences = _grammar.Likelihoods(generator, samples, texts) };
        }

        return (MetricCatalogue.Compute(inputs), samples);
    }

    private IReadOnlyList<MetricResult> OfText(int[][] sequences, string name)
    {
        MetricInputs inputs = Inputs(sequences);
        return MetricCatalogue.Compute(
            _grammar is null ? inputs : _grammar.Judge(inputs, [.. sequences.Select(row => _corpus.Tokenizer.Decode(row))], _key.Derive(name)));
    }

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

    private static long PlannedUpdates(RunConfig config, EncodedCorpus corpus)
    {
        long perEpoch = (corpus.Train.Count + config.Pretraining.BatchSize - 1) / config.Pretraining.BatchSize;
        int perStep = config.Objective.GeneratorUpdatesAStep(config);
        return config.Pretraining.Epochs * perEpoch + (long)config.Adversarial.Steps * perStep;
    }

    private static int Distinct(IEnumerable<int[]> sequences) =>
        sequences.Select(sequence => string.Join(' ', sequence)).Distinct(StringComparer.Ordinal).Count();

    private int[][] Contents(SequenceSet set) =>
        [.. Enumerable.Range(0, set.Count).Select(i => Evaluator.Content(set[i].ToArray(), _corpus.Tokenizer))];
}
