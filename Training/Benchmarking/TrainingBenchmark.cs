using System.Diagnostics;
using GumbelGan.Discriminators;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using GumbelGan.Training.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Benchmarking;

/// <summary>
/// Times what training does, with the parts that training is made of: generator, discriminator, objective, loss, optimizers. Sequences have a
/// fixed length and random tokens; the game is the non-saturating one, gradients are clipped at norm 5, dropout is off.
/// </summary>
/// <remarks>B batch, T time, V vocabulary. One benchmark a process gives a true peak of memory.</remarks>
public sealed class TrainingBenchmark : IDisposable
{
    private const double WarmUpSeconds = 2;
    private const int LeastWarmUp = 3;
    private const double Temperature = 0.9;
    private const double LearningRate = 1e-4;
    private const double ClipNorm = 5;

    private readonly BenchmarkOptions _options;
    private readonly LstmGenerator _generator;
    private readonly Discriminator _discriminator;
    private readonly GumbelObjective? _objective;
    private readonly ReinforceObjective? _policyGradient;
    private readonly FusedLikelihood? _likelihood;
    private readonly AdamOptimizer _generatorOptimizer;
    private readonly AdamOptimizer _discriminatorOptimizer;
    private readonly optim.Optimizer? _plainGeneratorOptimizer, _plainDiscriminatorOptimizer;
    private readonly Tensor _real;
    private readonly RandomKey _root = new(1);
    private readonly Dictionary<string, List<double>> _times = [];
    private ulong _step;

    /// <summary>Builds the networks and the batch of real sequences.</summary>
    /// <exception cref="Storage.UserMistakeException">The options do not fit each other; see <see cref="BenchmarkOptions.Check"/>.</exception>
    public TrainingBenchmark(BenchmarkOptions options)
    {
        options.Check();
        _options = options;
        EngineSettings.Prepare(options.Threads);
        Device device = torch.device(options.Device);
        SequenceFormat format = SequenceFormat.FixedLength(options.Vocabulary, options.Length, 0);
        _generator = new LstmGenerator(new GeneratorOptions { Embedding = options.Embedding, Hidden = options.Hidden }, format, _root.Derive("generator")).to(device);
        var judge = new DiscriminatorOptions { Kind = options.Discriminator, Embedding = options.Embedding, Hidden = options.Hidden, Dropout = 0 };
        _discriminator = Discriminator.Create(judge, options.Vocabulary, null, _root.Derive("discriminator")).to(device);
        var game = new AdversarialOptions { BatchSize = options.Batch, Loss = AdversarialLossKind.NonSaturating };
        if (options.Subject == BenchmarkSubject.Iteration)
        {
            _objective = new GumbelObjective(_generator, _discriminator, game, options.IsComposed);
        }

        if (options.Subject == BenchmarkSubject.Reinforce)
        {
            _policyGradient = new ReinforceObjective(_generator, new ReinforceOptions { Credit = CreditKind.RollOuts, RollOuts = options.RollOuts });
        }

        if (options.Subject == BenchmarkSubject.Mle && !options.IsComposed && FusedLikelihood.Supports(_generator))
        {
            _likelihood = new FusedLikelihood(_generator, RowParallel.Shared(get_num_threads()));
        }

        _generatorOptimizer = new AdamOptimizer(_generator, LearningRate);
        _discriminatorOptimizer = new AdamOptimizer(_discriminator, LearningRate);
        if (options.IsComposed)
        {
            _plainGeneratorOptimizer = optim.Adam(_generator.parameters(), LearningRate);
            _plainDiscriminatorOptimizer = optim.Adam(_discriminator.parameters(), LearningRate);
            _discriminator.IsTwiceDifferentiable = true;
        }

        var random = new RandomStream(_root.Derive("real"));
        long[] ids = new long[options.Batch * options.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = random.NextInt32(options.Vocabulary);
        }

        _real = tensor(ids, [options.Batch, options.Length]).to(device); // [B, T]
    }

    /// <summary>Warms up, then times as often as the options say.</summary>
    /// <exception cref="OperationCanceledException">Interrupted between two repeats.</exception>
    public BenchmarkResult Run(CancellationToken cancellation)
    {
        Action subject = _options.Subject switch
        {
            BenchmarkSubject.Iteration => Iteration,
            BenchmarkSubject.Mle => LikelihoodStep,
            BenchmarkSubject.Reinforce => PolicyGradientStep,
            _ => Sampling,
        };
        // Long enough for the just-in-time compiler's second look at everything that runs often.
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; round < LeastWarmUp || Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds; round++)
        {
            Once(subject, cancellation);
        }

        _times.Clear();
        for (int repeat = 0; repeat < _options.Repeats; repeat++)
        {
            Once(subject, cancellation);
        }

        using var process = Process.GetCurrentProcess();
        IEnumerable<PhaseTime> phases = _times.Where(phase => phase.Key != nameof(Iteration)).Select(phase => PhaseTime.Of(phase.Key, phase.Value));
        return new BenchmarkResult(
            [PhaseTime.Of("iteration", _times[nameof(Iteration)]), .. phases], process.PeakWorkingSet64, PrivateMemory.Of("self"), GC.GetTotalMemory(forceFullCollection: false), get_num_threads());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable? part in (IDisposable?[])[_likelihood, _objective, _policyGradient, _generatorOptimizer, _discriminatorOptimizer, _plainGeneratorOptimizer, _plainDiscriminatorOptimizer, _generator, _discriminator, _real])
        {
            part?.Dispose();
        }
    }

    private void Once(Action subject, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        _step++;
        Time(nameof(Iteration), () =>
        {
            using DisposeScope scope = NewDisposeScope();
            subject();
        });
    }

    /// <summary>As <see cref="AdversarialTrainer"/> does it: one roll-out serves the discriminator's update and the generator's.</summary>
    private void Iteration()
    {
        GeneratedBatch fakes = null!;
        Time("generator_forward", () => fakes = _objective!.Generate(_options.Batch, Temperature, _root.Derive("noise").Derive(_step)));
        Time("discriminator_step", () =>
        {
            Tensor real = _discriminator.Score(_real), fake = _objective!.DetachedScores(_discriminator, fakes); // [B], [B]
            Update(_discriminatorOptimizer, _plainDiscriminatorOptimizer, _discriminator, AdversarialLoss.Discriminator(AdversarialLossKind.NonSaturating, real, fake));
        });
        Time("generator_step", () =>
        {
            _discriminator.SetTrainable(false);
            (Tensor loss, Tensor _) = _objective!.GeneratorLoss(_discriminator, fakes, AdversarialLoss.RealScoresForGenerator(AdversarialLossKind.NonSaturating, _discriminator, _real));
            Update(_generatorOptimizer, _plainGeneratorOptimizer, _generator, loss);
            _discriminator.SetTrainable(true);
        });
    }

    private void LikelihoodStep() =>
        Update(_generatorOptimizer, _plainGeneratorOptimizer, _generator, _likelihood?.Mean(_real) ?? _generator.TokenNegativeLogLikelihood(_real).mean());

    private void PolicyGradientStep()
    {
        GeneratedBatch samples = _policyGradient!.Generate(_options.Batch, 1, _root.Derive("noise").Derive(_step));
        (Tensor loss, Tensor _) = _policyGradient.GeneratorLoss(_discriminator, samples, zeros(_options.Batch));
        Update(_generatorOptimizer, _plainGeneratorOptimizer, _generator, loss);
        _policyGradient.AfterGeneratorUpdate();
    }

    private void Sampling()
    {
        ulong draw = 0;
        for (int drawn = 0; drawn < _options.Count; drawn += _options.Batch)
        {
            using DisposeScope scope = NewDisposeScope();
            int batch = Math.Min(_options.Batch, _options.Count - drawn);
            RandomKey noise = _root.Derive("samples").Derive(_step).Derive(draw++);
            _ = _options.IsComposed ? _generator.SampleComposed(batch, 1, noise) : _generator.Sample(batch, 1, noise);
        }
    }

    private void Update(AdamOptimizer fused, optim.Optimizer? plain, nn.Module module, Tensor loss)
    {
        if (plain is null)
        {
            _ = fused.Minimise(loss, ClipNorm);
            return;
        }

        // What one would write in plain TorchSharp.
        module.zero_grad();
        loss.backward();
        _ = nn.utils.clip_grad_norm_(module.parameters(), ClipNorm);
        _ = loss.item<float>();
        plain.step();
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
