using System.Diagnostics;
using GumbelGan.Discriminators;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Benchmarking;

/// <summary>
/// Times what training does, with the parts that training is made of: generator, discriminator, objective, loss, optimizers. Sequences have a
/// fixed length and random tokens; the game is the non-saturating one unless asked otherwise, gradients are clipped at norm 5, dropout is off but at
/// published sizes.
/// </summary>
/// <remarks>B batch, T time, V vocabulary. One benchmark a process gives a true peak of memory.</remarks>
public sealed class TrainingBenchmark : IDisposable
{
    private const string Whole = "iteration";
    private const double WarmUpSeconds = 2;
    private const int LeastWarmUp = 3;
    private const double Temperature = 0.9;
    private const double LearningRate = 1e-4;

    private readonly BenchmarkOptions _options;
    private readonly ICollective _ranks;
    private readonly IGenerator _generator;
    private readonly Discriminator _discriminator;
    private readonly Objective _objective;
    private readonly Phase _phase;
    private readonly Dictionary<Learner, optim.Optimizer> _plain = [];
    private readonly Tensor _real;
    private readonly RandomKey _root = new(1);
    private readonly Dictionary<string, List<double>> _times = [];
    private ulong _step;

    /// <summary>Builds the networks and the batch of real sequences.</summary>
    /// <param name="options">What to time.</param>
    /// <param name="ranks">Who makes each step together; null for this process alone.</param>
    /// <exception cref="Storage.UserMistakeException">The options do not fit each other; see <see cref="BenchmarkOptions.Check"/>.</exception>
    public TrainingBenchmark(BenchmarkOptions options, ICollective? ranks = null)
    {
        (_options, _ranks) = (options, ranks ?? SingleProcess.Instance);
        options.Check(_ranks.Size);
        EngineSettings.Prepare(options.Threads == 0 ? _ranks.Threads : options.Threads);
        Device device = torch.device(options.Device);
        SequenceFormat format = SequenceFormat.FixedLength(options.Vocabulary, options.Length, 0);
        ObjectiveKind objective = options.Subject.Objective ?? ObjectiveKind.Baseline;
        var config = new RunConfig
        {
            Objective = objective,
            Generator = options.GeneratorOptions,
            Discriminator = options.DiscriminatorOptions,
            Pretraining = new PretrainingOptions { BatchSize = options.Batch, Dropout = 0, LearningRate = LearningRate },
            Adversarial = new AdversarialOptions
            {
                BatchSize = options.Batch,
                Loss = options.Loss,
                GradientPenalty = options.HasGradientPenalty ? 10 : 0,
                Relaxation = options.Relaxation,
                DiscriminatorSteps = options.DiscriminatorSteps,
                GeneratorLearningRate = LearningRate,
                DiscriminatorLearningRate = LearningRate,
            },
            Reinforce = objective.IsBenchmarkedWithoutDiscriminator
                ? new ReinforceOptions { Credit = CreditKind.RollOuts, RollOuts = options.RollOuts } : new ReinforceOptions(),
        };
        if (options.Settings.Count > 0)
        {
            config = ConfigurationReader.Read<RunConfig>([new ConfigurationLayer("the benchmark", ConfigurationWriter.Write(config))],
                options.Settings);
        }

        if (objective.Problem(config) is { } problem)
        {
            throw new UserMistakeException(problem);
        }

        _generator = config.Generator.Create(format, _root.Derive("generator"));
        _generator.Module.to(device);
        _generator.IsComposed = options.IsComposed;
        _discriminator = config.Discriminator.Create(options.Vocabulary, null, _root.Derive("discriminator")).to(device);
        var random = new RandomStream(_root.Derive("real"));
        long[] ids = new long[options.Batch * options.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = random.NextInt32(options.Vocabulary);
        }

        int share = _ranks.Share(options.Batch);
        _real = tensor(ids, [options.Batch, options.Length]).narrow(0, share * _ranks.Rank, share).contiguous().to(device); // [B, T]
        var sequences = new RealSequences(_ => _real, 1);
        var parts = new TrainingParts(config, _generator, _discriminator, sequences, sequences) { Ranks = _ranks };
        _objective = objective.Create(parts);
        _phase = _objective.Phases[^1];
        if (options.IsComposed)
        {
            _discriminator.IsTwiceDifferentiable = true;
            foreach (Learner learner in _objective.Learners)
            {
                _plain[learner] = optim.Adam(learner.Module.parameters(), LearningRate);
            }
        }
    }

    /// <summary>
    /// What ranks exchange in an iteration: the bytes of each update's gradient, and how often it is made.
    /// </summary>
    public IReadOnlyList<(long Bytes, int Times)> Exchanges => [.. _phase.Updates.Select(update =>
        (update.Learner.Module.parameters().Sum(parameter => parameter.numel()) * sizeof(float), update.TimesAStep))];

    /// <summary>Warms up, then times as often as the options say.</summary>
    /// <exception cref="OperationCanceledException">Interrupted between two repeats.</exception>
    public BenchmarkResult Run(CancellationToken cancellation)
    {
        Action subject = _options.Subject.Objective is null ? Sampling : Step;
        // Long enough for the just-in-time compiler's second look at everything that runs often.
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; round < LeastWarmUp || _ranks.FromRoot(() => Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds); round++)
        {
            Once(subject, cancellation);
        }

        _times.Clear();
        for (int repeat = 0; repeat < _options.Repeats; repeat++)
        {
            Once(subject, cancellation);
        }

        using var process = Process.GetCurrentProcess();
        return new BenchmarkResult(
            [.. _times.OrderBy(part => part.Key != Whole).Select(part => PhaseTime.Of(part.Key, part.Value))], process.PeakWorkingSet64,
            PrivateMemory.Of("self"), GC.GetTotalMemory(forceFullCollection: false), get_num_threads());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[.. _plain.Values, _objective, _generator, _discriminator, _real])
        {
            part.Dispose();
        }
    }

    private void Once(Action subject, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        _step++;
        Time(Whole, () =>
        {
            using DisposeScope scope = NewDisposeScope();
            subject();
        });
    }

    private RandomKey Key(string name) => _root.Derive(name).Derive(_step) with { Slice = _ranks.Rank };

    // The roll-out of the discriminator's last update serves the generator's too.
    private void Step()
    {
        var step = new StepContext(1, 1, Temperature, Key("noise"), Key("dropout")) { Ranks = _ranks };
        if (_phase.Updates is [Update only])
        {
            Make(only, step);
            return;
        }

        Update judge = _phase.Updates[0], generator = _phase.Updates[1];
        if (_options.Subject.Objective!.IsBenchmarkedWithoutDiscriminator)
        {
            Time("generator_forward", () => judge.Prepare(step, 0));
        }
        else
        {
            for (int repeat = 0; repeat < judge.TimesAStep - 1; repeat++)
            {
                Time("discriminator_step", () => Make(judge, step, repeat));
            }

            Time("generator_forward", () => judge.Prepare(step, judge.TimesAStep - 1));
            Time("discriminator_step", () => Make(judge, step, judge.TimesAStep - 1));
        }

        Time("generator_step", () => Make(generator, step));
        foreach (Update further in _phase.Updates.Skip(2))
        {
            Time($"{further.Learner.Name}_step", () => Make(further, step));
        }
    }

    private void Sampling()
    {
        ulong draw = 0;
        for (int drawn = 0; drawn < _options.Count; drawn += _options.Batch)
        {
            using DisposeScope scope = NewDisposeScope();
            int batch = Math.Min(_options.Batch, _options.Count - drawn);
            RandomKey noise = _root.Derive("samples").Derive(_step).Derive(draw++);
            _ = _generator.Sample(batch, 1, noise);
        }
    }

    private void Make(Update update, StepContext step, int repeat = 0)
    {
        if (!_plain.TryGetValue(update.Learner, out optim.Optimizer? plain))
        {
            _ = update.Make(step, repeat);
            return;
        }

        // What one would write in plain TorchSharp.
        update.Frozen?.SetTrainable(false);
        update.Learner.Module.zero_grad();
        Tensor loss = update.Loss(step, repeat).Loss;
        loss.backward();
        _ = nn.utils.clip_grad_norm_(update.Learner.Module.parameters(), update.ClipNorm);
        _ = loss.item<float>();
        plain.step();
        update.Frozen?.SetTrainable(true);
    }

    private void Time(string phase, Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        if (_real.device.type == DeviceType.CUDA)
        {
            cuda.synchronize();
        }

        if (!_times.TryGetValue(phase, out List<double>? times))
        {
            _times[phase] = times = [];
        }

        times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }
}
