using System.Diagnostics;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using GumbelGan.Tokenization;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Recording;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Training;

/// <summary>
/// The loop: maximum-likelihood pre-training, a warm-up of the discriminator, then the adversarial game. It knows the schedule; what is
/// minimised, and how gradients get there, is the objective's business.
/// </summary>
/// <remarks>
/// Everything random in step n is keyed by the seed and n, so a run continued from a checkpoint does exactly what an uninterrupted one does.
/// B batch, T time, V vocabulary.
/// </remarks>
public sealed class AdversarialTrainer : IDisposable
{
    private readonly RunConfig _config;
    private readonly LstmGenerator _generator;
    private readonly Discriminator _discriminator;
    private readonly IAdversarialObjective? _objective;
    private readonly Evaluator _evaluator;
    private readonly RunFolder _folder;
    private readonly RunRecorder _recorder;
    private readonly ITrainingObserver _observer;
    private readonly BatchSource _pretrainingBatches;
    private readonly BatchSource _realBatches;
    private readonly RandomKey _noise;
    private readonly RandomKey _dropout;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Adam _discriminatorOptimizer;
    private readonly RowParallel? _parallel;
    private readonly FusedLikelihood? _likelihood;
    private Adam _generatorOptimizer;
    private TrainingState _state;
    private long _sequencesAtReport;

    /// <summary>A trainer at the very start, or where <paramref name="checkpoint"/> was written.</summary>
    /// <param name="config">What to do.</param>
    /// <param name="corpus">The sequences.</param>
    /// <param name="generator">Trained; its weights are loaded from the checkpoint, if any.</param>
    /// <param name="discriminator">Trained; likewise.</param>
    /// <param name="objective">How the generator learns from the discriminator; null for maximum likelihood throughout.</param>
    /// <param name="evaluator">Measures and samples the generator.</param>
    /// <param name="folder">Where checkpoints go.</param>
    /// <param name="recorder">Where numbers go.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="checkpoint">Where to go on from, or null.</param>
    public AdversarialTrainer(
        RunConfig config, EncodedCorpus corpus, LstmGenerator generator, Discriminator discriminator, IAdversarialObjective? objective, Evaluator evaluator,
        RunFolder folder, RunRecorder recorder, ITrainingObserver observer, Checkpoint? checkpoint)
    {
        (_config, _generator, _discriminator, _objective, _evaluator) = (config, generator, discriminator, objective, evaluator);
        (_folder, _recorder, _observer) = (folder, recorder, observer);
        var root = new RandomKey((ulong)config.Seed);
        _noise = root.Derive("noise");
        _dropout = root.Derive("dropout");
        _pretrainingBatches = new(corpus.Train, config.Pretraining.BatchSize, corpus.Tokenizer.PaddingId, 1, root.Derive("pretraining order"));
        _realBatches = new(corpus.Train, config.Adversarial.BatchSize, corpus.Tokenizer.PaddingId, discriminator.MinimumTime, root.Derive("adversarial order"));
        _state = checkpoint?.State() ?? new TrainingState { Phase = FirstPhase(TrainingPhase.Pretraining) };
        _sequencesAtReport = _state.RealSequences;
        _discriminatorOptimizer = optim.Adam(discriminator.parameters(), config.Adversarial.DiscriminatorLearningRate, config.Adversarial.Beta1);
        _generatorOptimizer = GeneratorOptimizer();
        if (FusedLikelihood.Supports(generator))
        {
            _parallel = new RowParallel(get_num_threads());
            _likelihood = new FusedLikelihood(generator, _parallel);
        }

        if (checkpoint is not null)
        {
            checkpoint.Load(generator, discriminator);
            checkpoint.Load(_generatorOptimizer, generator, _discriminatorOptimizer, discriminator);
        }
    }

    /// <summary>How far the run has come.</summary>
    public TrainingState State => _state;

    /// <summary>Trains to the end. Where cancelled, the step in progress is finished and a checkpoint written first.</summary>
    /// <exception cref="OperationCanceledException">Training was interrupted; a checkpoint is on the disk.</exception>
    public void Run(CancellationToken cancellation)
    {
        if (_state.Step == 0)
        {
            Evaluate();
        }

        while (_state.Phase != TrainingPhase.Finished)
        {
            TrainingPhase phase = _state.Phase;
            long steps = StepsOf(phase);
            _observer.OnPhase(NameOf(phase), (int)steps);
            while (_state.Phase == phase && _state.PhaseStep < steps)
            {
                Step(phase, steps);
                if (cancellation.IsCancellationRequested)
                {
                    Save(best: false);
                    throw new OperationCanceledException(cancellation);
                }
            }

            Enter(FirstPhase(phase + 1));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _generatorOptimizer.Dispose();
        _discriminatorOptimizer.Dispose();
        _likelihood?.Dispose();
        _parallel?.Dispose();
    }

    private void Step(TrainingPhase phase, long steps)
    {
        _state = _state with { Step = _state.Step + 1, PhaseStep = _state.PhaseStep + 1 };
        List<(string Tag, double Value)> scalars;
        using (NewDisposeScope())
        {
            scalars = phase switch
            {
                TrainingPhase.Pretraining => LikelihoodStep(_pretrainingBatches, _config.Pretraining.Dropout, _config.Pretraining.ClipNorm),
                TrainingPhase.WarmUp => [.. DiscriminatorStep(0, NewFakes(0, _config.Temperature.At(1, Math.Max(1, _config.Adversarial.Steps))))],
                _ when _objective is null => LikelihoodStep(_realBatches, _config.Pretraining.Dropout, _config.Adversarial.ClipNorm),
                _ => AdversarialStep(_objective, _config.Temperature.At(_state.PhaseStep, steps)),
            };
        }

        bool last = _state.PhaseStep == steps;
        if (_state.PhaseStep % _config.Recording.Every == 0 || last)
        {
            Report(phase, steps, scalars);
        }

        bool best = phase != TrainingPhase.WarmUp && (_state.PhaseStep % EvaluationInterval(phase) == 0 || last) && Evaluate();
        if (best || _state.Step % _config.Recording.CheckpointEvery == 0)
        {
            Save(best);
        }

        if (phase == TrainingPhase.Pretraining && _config.Pretraining.Patience > 0 && _state.StaleEvaluations >= _config.Pretraining.Patience)
        {
            _observer.OnMessage($"Held-out NLL has not improved for {_state.StaleEvaluations} evaluations; going on from the best weights, of step {_state.BestStep}.");
            _state = _state with { PhaseStep = steps };
        }
    }

    /// <summary>One update of the generator towards the likelihood of real sequences.</summary>
    private List<(string Tag, double Value)> LikelihoodStep(BatchSource batches, double dropout, double clipNorm)
    {
        Tensor ids = batches.Batch(_state.PhaseStep - 1).to(_generator.Device); // [B, T]
        var dropped = new LstmGenerator.Dropout(dropout, _dropout.Derive((ulong)_state.Step));
        Tensor loss = _likelihood?.Mean(ids, dropped) ?? ComposedMean(ids, dropped);
        double norm = Update(_generatorOptimizer, _generator, loss, clipNorm);
        _state = _state with { GeneratorUpdates = _state.GeneratorUpdates + 1, RealSequences = _state.RealSequences + ids.shape[0] };
        return [("loss/mle", loss.item<float>()), ("gradient_norm/generator", norm)];
    }

    private Tensor ComposedMean(Tensor ids, LstmGenerator.Dropout dropout) =>
        _generator.TokenNegativeLogLikelihood(ids, dropout).sum() / ids.ne(_generator.Format.PaddingId!.Value).sum(ScalarType.Float32);

    /// <summary>The discriminator's updates, then the generator's. The last discriminator update and the first generator update share their samples.</summary>
    private List<(string Tag, double Value)> AdversarialStep(IAdversarialObjective objective, double temperature)
    {
        AdversarialOptions options = _config.Adversarial;
        for (int extra = 1; extra < options.DiscriminatorSteps; extra++)
        {
            using DisposeScope scope = NewDisposeScope();
            DiscriminatorStep(extra, NewFakes(extra, temperature));
        }

        GeneratedBatch fakes = objective.Generate(options.BatchSize, temperature, NoiseOf(0));
        var scalars = new List<(string Tag, double Value)>(DiscriminatorStep(0, fakes));
        for (int update = 0; update < options.GeneratorSteps; update++)
        {
            using DisposeScope scope = NewDisposeScope();
            GeneratedBatch generated = update == 0 ? fakes : objective.Generate(options.BatchSize, temperature, NoiseOf(options.DiscriminatorSteps + update));
            _discriminator.SetTrainable(false);
            Tensor realScores;
            using (no_grad())
            {
                realScores = _discriminator.Score(RealBatch(0)); // [B]
            }

            (Tensor loss, Tensor _) = objective.GeneratorLoss(_discriminator, generated, realScores);
            double norm = Update(_generatorOptimizer, _generator, loss, options.ClipNorm);
            _discriminator.SetTrainable(true);
            if (update == 0)
            {
                scalars.AddRange([("loss/generator", loss.item<float>()), ("gradient_norm/generator", norm), ("temperature", temperature)]);
            }
        }

        _state = _state with { GeneratorUpdates = _state.GeneratorUpdates + options.GeneratorSteps, GeneratedSequences = _state.GeneratedSequences + (options.GeneratorSteps - 1) * options.BatchSize };
        return scalars;
    }

    /// <summary>One update of the discriminator on a real and a generated batch.</summary>
    private (string Tag, double Value)[] DiscriminatorStep(int update, GeneratedBatch fakes)
    {
        AdversarialOptions options = _config.Adversarial;
        Tensor ids = RealBatch(update); // [B, T]
        _discriminator.DropoutKey = _dropout.Derive((ulong)_state.Step).Derive((ulong)update);
        Tensor real = _discriminator.Score(ids), fake = _objective!.DetachedScores(_discriminator, fakes); // [B], [B]
        _discriminator.DropoutKey = null;
        Tensor loss = AdversarialLoss.Discriminator(options.Loss, real, fake);
        if (options.GradientPenalty > 0)
        {
            loss += options.GradientPenalty * AdversarialLoss.GradientPenalty(_discriminator, _generator.Format, ids, fakes, NoiseOf(update).Derive("gradient penalty"));
        }

        double norm = Update(_discriminatorOptimizer, _discriminator, loss, options.ClipNorm);
        _state = _state with
        {
            DiscriminatorUpdates = _state.DiscriminatorUpdates + 1,
            RealSequences = _state.RealSequences + options.BatchSize,
            GeneratedSequences = _state.GeneratedSequences + options.BatchSize,
        };
        return [("loss/discriminator", loss.item<float>()), ("score/real", real.mean().item<float>()), ("score/fake", fake.mean().item<float>()), ("gradient_norm/discriminator", norm)];
    }

    private GeneratedBatch NewFakes(int update, double temperature)
    {
        using IDisposable off = no_grad();
        return _objective!.Generate(_config.Adversarial.BatchSize, temperature, NoiseOf(update));
    }

    private Tensor RealBatch(int update) =>
        _realBatches.Batch((_state.PhaseStep - 1) * _config.Adversarial.DiscriminatorSteps + update).to(_generator.Device);

    private RandomKey NoiseOf(int update) => _noise.Derive((ulong)_state.Step).Derive((ulong)update);

    /// <summary>Backward, clip, step; returns the gradient's norm before clipping.</summary>
    private double Update(Adam optimizer, nn.Module module, Tensor loss, double clipNorm)
    {
        optimizer.zero_grad();
        loss.backward();
        double norm = nn.utils.clip_grad_norm_(module.parameters(), clipNorm);
        if (!double.IsFinite(norm) || !float.IsFinite(loss.item<float>()))
        {
            throw new TrainingDivergedException(NameOf(_state.Phase), _state.Step, $"the loss of the {module.GetName()} is {loss.item<float>():G6} and its gradient's norm {norm:G6}", _folder.LatestName());
        }

        optimizer.step();
        return norm;
    }

    private void Report(TrainingPhase phase, long steps, IReadOnlyList<(string Tag, double Value)> scalars)
    {
        double seconds = _clock.Elapsed.TotalSeconds;
        double speed = (_state.RealSequences - _sequencesAtReport) / Math.Max(seconds, 1e-9);
        (_sequencesAtReport, double temperature) = (_state.RealSequences, scalars.FirstOrDefault(scalar => scalar.Tag == "temperature").Value);
        _clock.Restart();
        _recorder.Scalars(_state.Step, NameOf(phase), scalars);
        _recorder.Chart(_state.Step, "speed/sequences_per_second", speed);
        _observer.OnStep(new StepReport(NameOf(phase), (int)_state.PhaseStep, (int)steps, scalars.ToDictionary(), temperature > 0 ? temperature : null, speed));
    }

    /// <summary>Measures and samples the generator; true where it is the best so far.</summary>
    private bool Evaluate()
    {
        EvaluationRecord record = _evaluator.Evaluate(_generator, _folder, _recorder, _state.Step, NameOf(_state.Phase));
        bool best = _state.BestValidationNll is not { } known || record.ValidationNll < known;
        _state = best
            ? _state with { BestValidationNll = record.ValidationNll, BestStep = _state.Step, StaleEvaluations = 0 }
            : _state with { StaleEvaluations = _state.StaleEvaluations + 1 };
        _observer.OnStep(new StepReport(NameOf(_state.Phase), (int)_state.PhaseStep, (int)StepsOf(_state.Phase), record.Scalars.ToDictionary(), null, 0));
        _observer.OnSamples((int)_state.Step, record.Real, record.Generated);
        return best && _state.Step > 0;
    }

    private void Enter(TrainingPhase next)
    {
        if (_state.Phase == TrainingPhase.Pretraining && _state.BestStep > 0 && _state.BestStep != _state.Step)
        {
            _folder.Best().LoadGenerator(_generator);
        }

        _state = _state with { Phase = next, PhaseStep = 0, StaleEvaluations = 0 };
        if (next == TrainingPhase.Finished)
        {
            _evaluator.Finish(_generator, _folder, _recorder, _state, _observer);
        }
        else
        {
            _generatorOptimizer.Dispose();
            _generatorOptimizer = GeneratorOptimizer();
        }

        Save(best: false);
    }

    private void Save(bool best)
    {
        _state = _state with { Recorded = _recorder.Flush() };
        _folder.SaveCheckpoint(_state, Checkpoint.Files(_generator, _generatorOptimizer, _discriminator, _discriminatorOptimizer), best, _config.Recording.KeepCheckpoints);
    }

    private Adam GeneratorOptimizer() => _state.Phase == TrainingPhase.Pretraining
        ? optim.Adam(_generator.parameters(), _config.Pretraining.LearningRate)
        : optim.Adam(_generator.parameters(), _config.Adversarial.GeneratorLearningRate, _config.Adversarial.Beta1);

    private long EvaluationInterval(TrainingPhase phase) =>
        _config.Recording.EvaluateEvery > 0 ? _config.Recording.EvaluateEvery : (phase == TrainingPhase.Pretraining ? _pretrainingBatches : _realBatches).BatchesPerEpoch;

    private long StepsOf(TrainingPhase phase) => phase switch
    {
        TrainingPhase.Pretraining => _config.Pretraining.Epochs * _pretrainingBatches.BatchesPerEpoch,
        TrainingPhase.WarmUp => _objective is null || _config.Adversarial.Steps == 0 ? 0 : _config.Adversarial.DiscriminatorWarmUpSteps,
        TrainingPhase.Adversarial => _config.Adversarial.Steps,
        _ => 0,
    };

    /// <summary>The first phase from <paramref name="phase"/> on that has any steps.</summary>
    private TrainingPhase FirstPhase(TrainingPhase phase)
    {
        while (phase < TrainingPhase.Finished && StepsOf(phase) == 0)
        {
            phase++;
        }

        return phase;
    }

    private string NameOf(TrainingPhase phase) => phase switch
    {
        TrainingPhase.Pretraining => "pretraining",
        TrainingPhase.WarmUp => "warm-up",
        TrainingPhase.Adversarial => _objective is null ? "maximum likelihood" : "adversarial",
        _ => "finished",
    };
}
