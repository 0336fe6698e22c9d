using System.Globalization;
using GumbelGan.Discriminators;
using GumbelGan.Engine;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Recording;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using TorchSharp;

namespace GumbelGan.Training;

/// <summary>A run from its configuration: reads the corpus, builds the networks, opens the folder, trains.</summary>
public sealed class TrainingJob : IDisposable
{
    /// <summary>How long a failing rank waits to see whether all the others fail too.</summary>
    public static readonly TimeSpan FailurePatience = TimeSpan.FromSeconds(3);

    private readonly OracleJudge? _oracle;
    private readonly GrammarJudge? _grammar;

    private TrainingJob(RunConfig config, EncodedCorpus corpus, IGenerator generator, Discriminator discriminator, OracleJudge? oracle,
        GrammarJudge? grammar) =>
        (Config, Corpus, Generator, Discriminator, _oracle, _grammar) = (config, corpus, generator, discriminator, oracle, grammar);

    /// <summary>The configuration, resolved: where the run begins with another's weights, that one's tokenizer is written into it.</summary>
    public RunConfig Config { get; }

    /// <summary>The corpus, encoded and split.</summary>
    public EncodedCorpus Corpus { get; }

    /// <summary>The generator.</summary>
    public IGenerator Generator { get; }

    /// <summary>The discriminator.</summary>
    public Discriminator Discriminator { get; }

    /// <summary>What to tell before training of how the tokenizer treats the corpus; null where there is nothing to tell.</summary>
    public string? Remark => TrainingChecks.LinesChanged(Corpus);

    private RunOrigin? Origin { get; init; }

    private ICollective Ranks { get; init; } = SingleProcess.Instance;

    /// <summary>Checks everything that is cheap to check, then reads the corpus and builds the networks.</summary>
    /// <param name="config">What to do.</param>
    /// <param name="tokenizer">The tokenizer of a run that goes on; null builds one from the training split.</param>
    /// <param name="ranks">Who trains together; all prepare. Null for this process alone.</param>
    /// <exception cref="UserMistakeException">The configuration does not fit the machine, the ranks or the corpus.</exception>
    public static TrainingJob Prepare(RunConfig config, TextTokenizer? tokenizer = null, ICollective? ranks = null)
    {
        ranks ??= SingleProcess.Instance;
        TrainingChecks.BeforeReading(config);
        TrainingChecks.BeforeSharing(config, ranks.Size);
        RunOrigin? origin = tokenizer is null && config.From.Length > 0 ? RunOrigin.Open(config.From) : null;
        if (origin is not null)
        {
            tokenizer = origin.Tokenizer;
            config = config with { From = origin.Name, Tokenizer = origin.TokenizerFor(config.Tokenizer) };
        }

        config = config with { Corpus = Path.GetFullPath(config.Corpus), Data = config.Data.WithFullPaths() };
        EngineSettings.Prepare(config.Threads == 0 ? ranks.Threads : config.Threads);
        EncodedCorpus corpus = tokenizer is null
            ? EncodedCorpus.Read(config.Corpus, config.Tokenizer, config.Data) : EncodedCorpus.Read(config.Corpus, tokenizer, config.Data);
        origin?.RefuseForeign(corpus);
        SequenceFormat format = FormatOf(corpus);
        TrainingChecks.BeforeBuilding(config, corpus, format);
        OracleJudge? oracle = config.Data.Oracle.Length > 0 ? new OracleJudge(config.Data.Oracle, corpus.Tokenizer, format) : null;
        GrammarJudge? grammar = config.Data.Grammar.Length > 0
            ? new GrammarJudge(config.Data.Grammar, corpus.Tokenizer, InterimEvaluation.GrammarStrings) : null;
        var root = new RandomKey((ulong)config.Seed).Derive("initialisation");
        IGenerator generator = config.Generator.Create(format, root.Derive("generator"));
        origin?.LoadInto(generator);
        Discriminator discriminator = config.Discriminator.Create(format.Vocabulary, format.PaddingId, root.Derive("discriminator"));
        torch.Device device = torch.device(config.Device);
        generator.Module.to(device);
        return new TrainingJob(config, corpus, generator, discriminator.to(device), oracle, grammar) { Origin = origin, Ranks = ranks };
    }

    /// <summary>Trains in a new folder.</summary>
    /// <exception cref="OperationCanceledException">Interrupted; a checkpoint is on the disk.</exception>
    /// <exception cref="UserMistakeException">The folder exists or cannot be written.</exception>
    public void Start(string path, string commandLine, ITrainingObserver observer, CancellationToken cancellation)
    {
        if (!Ranks.IsRoot())
        {
            Follow(path, cancellation);
            return;
        }

        RunFolder folder = RunFolder.Create(path);
        using RunLock held = RunLock.Take(path);
        if (File.Exists(folder.Configuration))
        {
            throw new UserMistakeException($"{path} exists already; choose another --run folder, or continue that run with --resume {path}.");
        }

        string configuration = ConfigurationWriter.Write(Config);
        AtomicFile.WriteAllText(folder.Configuration, configuration);
        Begin(folder, configuration, commandLine, observer, cancellation);
    }

    /// <summary>Goes on from the latest checkpoint of a run, to its end or, where it is extended, beyond.</summary>
    /// <param name="path">The run.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="cancellation">Stops after the step in progress.</param>
    /// <param name="extensions">What to lengthen by how much: see <see cref="Continuation.Lengths"/>.</param>
    /// <param name="ranks">Who trains together, not always as many as before; null for this process alone.</param>
    /// <exception cref="OperationCanceledException">Interrupted again; a checkpoint is on the disk.</exception>
    /// <exception cref="UserMistakeException">The folder holds no run, its files are damaged, or it may not go on so.</exception>
    public static void Resume(string path, ITrainingObserver observer, CancellationToken cancellation,
        IReadOnlyList<ConfigurationAssignment>? extensions = null, ICollective? ranks = null)
    {
        ranks ??= SingleProcess.Instance;
        RunFolder folder = RunFolder.Open(path);
        using RunLock? held = ranks.IsRoot() ? RunLock.Take(path) : null;
        using Continuation continuation = Continuation.Of(folder, extensions ?? [], ranks);
        TrainingJob job = continuation.Job;
        // Everybody has read what rank 0 may now change.
        ranks.Barrier();
        if (!ranks.IsRoot())
        {
            job.Follow(path, cancellation);
            return;
        }

        continuation.Write();
        if (continuation.Remark is { } remark)
        {
            observer.OnMessage(remark);
        }

        if (continuation.State is { } state)
        {
            folder.PrepareFor(state);
            job.GoOn(folder, observer, cancellation);
        }
        else
        {
            // Killed before its first checkpoint, the run has nothing to lose.
            job.Begin(folder, ConfigurationWriter.Write(job.Config), Environment.CommandLine, observer, cancellation);
        }
    }

    /// <summary>What <see cref="Resume"/> would do, in words; nothing is changed.</summary>
    /// <param name="path">The run.</param>
    /// <param name="extensions">What to lengthen by how much.</param>
    /// <exception cref="UserMistakeException">It would refuse; the message says why.</exception>
    public static string Plan(string path, IReadOnlyList<ConfigurationAssignment> extensions)
    {
        RunFolder folder = RunFolder.Open(path);
        if (RunLock.IsHeld(path))
        {
            throw new UserMistakeException($"Another process is training the run in {path}; wait until it has ended, or stop it.");
        }

        using Continuation continuation = Continuation.Of(folder, extensions);
        return continuation.Describe();
    }

    /// <summary>The generator of a run, at one of its checkpoints, and the tokenizer to read it with.</summary>
    /// <exception cref="UserMistakeException">The folder holds no run, or its files are damaged.</exception>
    /// <param name="folder">The run.</param>
    /// <param name="checkpoint">Which weights.</param>
    /// <param name="weights">The last ones, or their average; null for what the run's evaluations measure.</param>
    /// <param name="corpus">The run's corpus, whose longest sequence bounds the samples as in training; null where it may be gone.</param>
    public static (IGenerator Generator, TextTokenizer Tokenizer, RunConfig Config) Load(RunFolder folder, Checkpoint checkpoint,
        GeneratorWeights? weights = null, EncodedCorpus? corpus = null)
    {
        RunConfig config = ConfigurationReader.Read<RunConfig>(folder.Configuration);
        EngineSettings.Prepare(config.Threads);
        TextTokenizer tokenizer = RunTokenizer.Load(folder);
        // The longest sequence is a fact of the corpus, which may be gone; the configured bound is never shorter.
        SequenceFormat format = corpus is not null ? FormatOf(corpus)
            : FormatOf(tokenizer, config.Data.End, config.Data.MaximumTokens + (config.Data.End == SequenceEnd.Token ? 1 : 0));
        IGenerator generator = config.Generator.Create(format, new RandomKey(0));
        checkpoint.LoadGenerator(generator, weights ?? config.Recording.Weights);
        return (generator, tokenizer, config);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Generator.Dispose();
        Discriminator.Dispose();
        _oracle?.Dispose();
    }

    private void Begin(RunFolder folder, string configuration, string commandLine, ITrainingObserver observer, CancellationToken cancellation)
    {
        folder.PrepareFor(null);
        Corpus.Tokenizer.Save(folder.Tokenizer);
        (RunEnvironment.Describe(Config, Corpus, Generator, Discriminator, commandLine) with
        {
            InitialWeightsSha256 = Origin?.WeightsSha256,
            TokenizerSha256 = RunTokenizer.Sha256Of(folder),
        }).Write(folder.Environment);
        foreach (string message in ((string?[])[Corpus.Report.OverlapRemark, Remark]).OfType<string>())
        {
            observer.OnMessage(message);
        }

        try
        {
            using RunRecorder recorder = RunRecorder.Start(folder.Path);
            recorder.HyperParameters(HyperParameters(), [.. MetricTags()], Config.Objective.ToString());
            recorder.CustomScalarLayout(StandardTags.Layout);
            recorder.Text("config", 0, VerbatimText.Block(configuration, "yaml"));
            Train(folder, recorder, observer, null, cancellation);
        }
        catch (TrainingDivergedException diverged) when (MayRollBack(folder))
        {
            RollBack(folder, diverged, observer);
            GoOn(folder, observer, cancellation);
        }
    }

    /// <summary>Trains from the latest checkpoint on, and again from it where the run diverges and may roll back.</summary>
    private void GoOn(RunFolder folder, ITrainingObserver observer, CancellationToken cancellation)
    {
        while (true)
        {
            Checkpoint checkpoint = folder.Latest();
            TrainingState state = checkpoint.State();
            try
            {
                using RunRecorder recorder = RunRecorder.Resume(folder.Path, state.Step, state.Recorded);
                Train(folder, recorder, observer, checkpoint, cancellation);
                return;
            }
            catch (TrainingDivergedException diverged) when (MayRollBack(folder))
            {
                RollBack(folder, diverged, observer);
            }
        }
    }

    /// <summary>Trains along with rank 0, which has the folder.</summary>
    private void Follow(string path, CancellationToken cancellation)
    {
        var folder = RunFolder.At(path);
        while (true)
        {
            try
            {
                using Objective objective = CreateObjective();
                new Trainer(Config, objective, null, null, folder, new SilentTrainingObserver(), null, Ranks).Run(cancellation);
                return;
            }
            catch (TrainingDivergedException) when (MayRollBack(folder))
            {
                // Rank 0 goes back to its checkpoint, and tells.
            }
        }
    }

    // A rank that has diverged alone cannot go back with the others, which know nothing of it.
    private bool MayRollBack(RunFolder folder) => Config.Health.OnDivergence == DivergenceResponse.RollBack && Ranks.Meet(FailurePatience)
        && Ranks.FromRoot(() => folder.LatestName() is not null && folder.Latest().State().RollBacks < Config.Health.MaximumRollBacks);

    // The halved rates are recorded first and then written into the checkpoint, so a run that is killed here and resumed does the same.
    private static void RollBack(RunFolder folder, TrainingDivergedException diverged, ITrainingObserver observer)
    {
        TrainingState state = folder.Latest().State();
        folder.PrepareFor(state);
        state = state with { RollBacks = state.RollBacks + 1, LearningRateScale = state.LearningRateScale / 2 };
        string message =
            string.Create(CultureInfo.InvariantCulture, $"{diverged.Message} Going on from there at {state.LearningRateScale:G3} of the configured "
                + $"learning rates (roll-back {state.RollBacks}).");
        using (RunRecorder recorder = RunRecorder.Resume(folder.Path, state.Step, state.Recorded))
        {
            recorder.Scalars(state.Step, "roll-back", [("health/learning_rate_scale", state.LearningRateScale)]);
            recorder.Text("health", state.Step, message);
            state = state with { Recorded = recorder.Flush() };
        }

        folder.ReplaceState(state);
        observer.OnMessage(message);
    }

    private void Train(RunFolder folder, RunRecorder recorder, ITrainingObserver observer, Checkpoint? checkpoint, CancellationToken cancellation)
    {
        using Objective objective = CreateObjective();
        var health = new HealthWatch(Config.Health, recorder, observer);
        bool averages = Config.Recording.Weights == GeneratorWeights.Average;
        var evaluation = new InterimEvaluation(Config, Corpus, _oracle, _grammar);
        var selection = new Selection(Generator, () => averages ? objective.Average : null, evaluation, health, folder, recorder, observer);
        var reporter = new Reporter(recorder, observer, health, checkpoint?.State().RealSequences ?? 0);
        var trainer = new Trainer(Config, objective, selection, reporter, folder, observer, checkpoint, Ranks);
        File.Delete(folder.Failure);
        try
        {
            trainer.Run(cancellation);
        }
        catch (TrainingDivergedException failure)
        {
            // The file makes a comparison count the run as failed. It is deleted when the run is continued.
            AtomicFile.WriteAllText(folder.Failure, failure.Message + "\n");
            throw;
        }
    }

    /// <summary>What the run learns by, at its very start.</summary>
    /// <param name="config">Null for the run's own.</param>
    internal Objective CreateObjective(RunConfig? config = null) =>
        Config.Objective.Create(TrainingParts.Of(config ?? Config, Corpus, Generator, Discriminator, Ranks));

    internal static SequenceFormat FormatOf(EncodedCorpus corpus)
    {
        int longest = Math.Max(corpus.Train.MaximumLength, Math.Max(corpus.Validation.MaximumLength, corpus.Test.MaximumLength));
        return FormatOf(corpus.Tokenizer, corpus.Options.End, longest);
    }

    // Without an end token nothing is padded. Where special tokens have the highest ids, the model leaves them out: it then has the form of the
    // SeqGAN oracle and begins with token 0.
    private static SequenceFormat FormatOf(TextTokenizer tokenizer, SequenceEnd end, int longest)
    {
        int count = tokenizer.Vocabulary.Count;
        return end == SequenceEnd.Token ? new SequenceFormat(count, longest, tokenizer.BeginId, tokenizer.EndId, tokenizer.PaddingId)
            : tokenizer.Vocabulary.HasSpecialTokensLast ? SequenceFormat.FixedLength(count - Vocabulary.SpecialTokens.Count, longest, 0)
            : new SequenceFormat(count, longest, tokenizer.BeginId, null, null) { Unused = [tokenizer.EndId, tokenizer.PaddingId] };
    }

    private IEnumerable<string> MetricTags() =>
        ((string[])["nll/validation", "nll/test", .. MetricCatalogue.QualityTags.Concat(MetricCatalogue.DiversityTags)
            .Where(MetricCatalogue.TagsWhileTraining.Contains)]).Where(tag => tag != "nll/test" || Corpus.Test.Count > 0);

    private Dictionary<string, HyperParameterValue> HyperParameters() => new()
    {
        ["objective"] = Config.Objective.ToString(),
        ["seed"] = Config.Seed,
        ["generator.kind"] = Config.Generator.Kind.Name,
        ["generator.embedding"] = Config.Generator.Embedding,
        ["discriminator.kind"] = Config.Discriminator.Kind.Name,
        ["adversarial.loss"] = Config.Adversarial.Loss.ToString(),
        ["adversarial.generator_learning_rate"] = Config.Adversarial.GeneratorLearningRate,
        ["adversarial.discriminator_learning_rate"] = Config.Adversarial.DiscriminatorLearningRate,
        ["temperature.schedule"] = Config.Temperature.Schedule.ToString(),
        ["temperature.initial"] = Config.Temperature.Initial,
        ["temperature.final"] = Config.Temperature.Final,
    };
}
