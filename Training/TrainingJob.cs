using System.Globalization;
using GumbelGan.Discriminators;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
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
    private readonly RunConfig _config;

    private TrainingJob(RunConfig config, EncodedCorpus corpus, IGenerator generator, Discriminator discriminator) =>
        (_config, Corpus, Generator, Discriminator) = (config, corpus, generator, discriminator);

    /// <summary>The corpus, encoded and split.</summary>
    public EncodedCorpus Corpus { get; }

    /// <summary>The generator.</summary>
    public IGenerator Generator { get; }

    /// <summary>The discriminator.</summary>
    public Discriminator Discriminator { get; }

    /// <summary>Checks everything that is cheap to check, then reads the corpus and builds the networks.</summary>
    /// <param name="config">What to do.</param>
    /// <param name="tokenizer">The tokenizer of a run that goes on; null builds one from the training split.</param>
    /// <exception cref="UserMistakeException">The configuration does not fit the machine or the corpus.</exception>
    public static TrainingJob Prepare(RunConfig config, TextTokenizer? tokenizer = null)
    {
        TrainingChecks.BeforeReading(config);
        EngineSettings.Prepare(config.Threads);
        EncodedCorpus corpus = tokenizer is null
            ? EncodedCorpus.Read(config.Corpus, config.Tokenizer, config.Data) : EncodedCorpus.Read(config.Corpus, tokenizer, config.Data);
        SequenceFormat format = FormatOf(corpus);
        TrainingChecks.BeforeBuilding(config, corpus, format);
        var root = new RandomKey((ulong)config.Seed).Derive("initialisation");
        IGenerator generator = config.Generator.Create(format, root.Derive("generator"));
        Discriminator discriminator = config.Discriminator.Create(format.Vocabulary, format.PaddingId, root.Derive("discriminator"));
        torch.Device device = torch.device(config.Device);
        generator.Module.to(device);
        return new TrainingJob(config, corpus, generator, discriminator.to(device));
    }

    /// <summary>Trains in a new folder.</summary>
    /// <exception cref="OperationCanceledException">Interrupted; a checkpoint is on the disk.</exception>
    /// <exception cref="UserMistakeException">The folder exists or cannot be written.</exception>
    public void Start(string path, string commandLine, ITrainingObserver observer, CancellationToken cancellation)
    {
        RunFolder folder = RunFolder.Create(path);
        using RunLock held = RunLock.Take(path);
        if (File.Exists(folder.Configuration))
        {
            throw new UserMistakeException($"{path} exists already; choose another --run folder, or continue that run with --resume {path}.");
        }

        string configuration = ConfigurationWriter.Write(_config with { Corpus = Path.GetFullPath(_config.Corpus) });
        AtomicFile.WriteAllText(folder.Configuration, configuration);
        Begin(folder, configuration, commandLine, observer, cancellation);
    }

    /// <summary>Goes on from the latest checkpoint of an interrupted run.</summary>
    /// <exception cref="OperationCanceledException">Interrupted again; a checkpoint is on the disk.</exception>
    /// <exception cref="UserMistakeException">The folder holds no run, or its files are damaged.</exception>
    public static void Resume(string path, ITrainingObserver observer, CancellationToken cancellation)
    {
        RunFolder folder = RunFolder.Open(path);
        using RunLock held = RunLock.Take(path);
        RunConfig config = ConfigurationReader.Read<RunConfig>(folder.Configuration);
        if (folder.LatestName() is null)
        {
            // Killed before its first checkpoint, the run has nothing to lose.
            using TrainingJob fresh = Prepare(config);
            fresh.Begin(folder, ConfigurationWriter.Write(config), Environment.CommandLine, observer, cancellation);
            return;
        }

        TrainingState state = folder.Latest().State();
        if (state.Phase == Phase.Finished)
        {
            throw new UserMistakeException($"The run in {path} has finished; there is nothing to resume.");
        }

        using TrainingJob job = Prepare(config, TextTokenizer.Load(folder.Tokenizer));
        RunEnvironment.Read(folder.Environment).RefuseOther(RunEnvironment.Describe(config, job.Corpus, job.Generator, job.Discriminator, ""), path);
        folder.PrepareFor(state);
        job.GoOn(folder, observer, cancellation);
    }

    /// <summary>The generator of a run, at one of its checkpoints, and the tokenizer to read it with.</summary>
    /// <exception cref="UserMistakeException">The folder holds no run, or its files are damaged.</exception>
    /// <param name="folder">The run.</param>
    /// <param name="checkpoint">Which weights.</param>
    /// <param name="corpus">The run's corpus, whose longest sequence bounds the samples as in training; null where it may be gone.</param>
    public static (IGenerator Generator, TextTokenizer Tokenizer, RunConfig Config) Load(RunFolder folder, Checkpoint checkpoint,
        EncodedCorpus? corpus = null)
    {
        RunConfig config = ConfigurationReader.Read<RunConfig>(folder.Configuration);
        EngineSettings.Prepare(config.Threads);
        TextTokenizer tokenizer = TextTokenizer.Load(folder.Tokenizer);
        // The longest sequence is a fact of the corpus, which may be gone; the configured bound is never shorter.
        SequenceFormat format = corpus is not null ? FormatOf(corpus)
            : new SequenceFormat(tokenizer.Vocabulary.Count, config.Data.MaximumTokens + 1, tokenizer.BeginId, tokenizer.EndId, tokenizer.PaddingId);
        IGenerator generator = config.Generator.Create(format, new RandomKey(0));
        checkpoint.LoadGenerator(generator);
        return (generator, tokenizer, config);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Generator.Dispose();
        Discriminator.Dispose();
    }

    private void Begin(RunFolder folder, string configuration, string commandLine, ITrainingObserver observer, CancellationToken cancellation)
    {
        folder.PrepareFor(null);
        RunEnvironment.Describe(_config, Corpus, Generator, Discriminator, commandLine).Write(folder.Environment);
        Corpus.Tokenizer.Save(folder.Tokenizer);
        try
        {
            using RunRecorder recorder = RunRecorder.Start(folder.Path);
            recorder.HyperParameters(HyperParameters(), [.. MetricTags()], _config.Objective.ToString());
            recorder.CustomScalarLayout(StandardTags.Layout);
            recorder.Text("config", 0, $"```yaml\n{configuration}```\n");
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

    private bool MayRollBack(RunFolder folder) =>
        _config.Health.OnDivergence == DivergenceResponse.RollBack && folder.LatestName() is not null && folder.Latest()
            .State().RollBacks < _config.Health.MaximumRollBacks;

    // The halved rates go into the checkpoint itself, after their record: whenever the process is killed, the run resumed from it does the same.
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
        using Objective objective = _config.Objective.Create(TrainingParts.Of(_config, Corpus, Generator, Discriminator));
        var health = new HealthWatch(_config.Health, recorder, observer);
        var selection = new Selection(Generator, new Evaluator(_config, Corpus), health, folder, recorder, observer);
        var reporter = new Reporter(recorder, observer, health, checkpoint?.State().RealSequences ?? 0);
        var trainer = new Trainer(_config, objective, selection, reporter, folder, observer, checkpoint);
        File.Delete(folder.Failure);
        try
        {
            trainer.Run(cancellation);
        }
        catch (TrainingDivergedException failure)
        {
            // A comparison counts the run as failed; continuing it takes the note away.
            AtomicFile.WriteAllText(folder.Failure, failure.Message + "\n");
            throw;
        }
    }

    internal static SequenceFormat FormatOf(EncodedCorpus corpus)
    {
        int longest = Math.Max(corpus.Train.MaximumLength, Math.Max(corpus.Validation.MaximumLength, corpus.Test.MaximumLength));
        TextTokenizer tokenizer = corpus.Tokenizer;
        return new SequenceFormat(tokenizer.Vocabulary.Count, longest, tokenizer.BeginId, tokenizer.EndId, tokenizer.PaddingId);
    }

    private IEnumerable<string> MetricTags() =>
        ((string[])["nll/validation", "nll/test", "bleu/4", "self_bleu/4"]).Where(tag => tag != "nll/test" || Corpus.Test.Count > 0);

    private Dictionary<string, HyperParameterValue> HyperParameters() => new()
    {
        ["objective"] = _config.Objective.ToString(),
        ["seed"] = _config.Seed,
        ["generator.kind"] = _config.Generator.Kind.Name,
        ["generator.embedding"] = _config.Generator.Embedding,
        ["discriminator.kind"] = _config.Discriminator.Kind.Name,
        ["adversarial.loss"] = _config.Adversarial.Loss.ToString(),
        ["adversarial.generator_learning_rate"] = _config.Adversarial.GeneratorLearningRate,
        ["adversarial.discriminator_learning_rate"] = _config.Adversarial.DiscriminatorLearningRate,
        ["temperature.schedule"] = _config.Temperature.Schedule.ToString(),
        ["temperature.initial"] = _config.Temperature.Initial,
        ["temperature.final"] = _config.Temperature.Final,
    };
}
