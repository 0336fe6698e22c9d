using System.Diagnostics;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using GumbelGan.Tokenization;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Recording;
using TorchSharp;
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
    private readonly PhasePlan _plan;
    private readonly RandomKey _noise;
    private readonly RandomKey _dropout;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly AdamOptimizer _discriminatorOptimizer;
    private readonly FusedLikelihood? _likelihood;
    private AdamOptimizer _generatorOptimizer;
    private TrainingState _state;
    private long _sequencesAtReport;
    private long _savedStep = -1;
    private bool _bestInStep;

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
        _plan = new(config, objective is not null, _pretrainingBatches.BatchesPerEpoch, _realBatches.BatchesPerEpoch);
        _state = checkpoint?.State() ?? new TrainingState { Phase = _plan.FirstFrom(TrainingPhase.Pretraining) };
        _sequencesAtReport = _state.RealSequences;
        _discriminatorOptimizer = new AdamOptimizer(discriminator, config.Adversarial.DiscriminatorLearningRate * _state.LearningRateScale, config.Adversarial.Beta1);
        _generatorOptimizer = GeneratorOptimizer();
        if (FusedLikelihood.Supports(generator))
        {
            _likelihood = new FusedLikelihood(generator, RowParallel.Shared(get_num_threads()));
        }

        if (checkpoint is not null)
        {
            checkpoint.Load(generator, discriminator);
            checkpoint.Load(_generatorOptimizer, _discriminatorOptimizer);
            checkpoint.Load(objective, _state);
        }
    }

    /// <summary>Trains to the end. Where cancelled, the step in progress is finished and a checkpoint written first.</summary>
    /// <exception cref="OperationCanceledException">Training was interrupted; a checkpoint is on the disk.</exception>
    public void Run(CancellationToken cancellation)
    {
        if (_state.Step == 0)
        {
            if (_folder.LatestName() is null)
            {
                Save(best: false);
            }

            Evaluate();
        }

        while (_state.Phase != TrainingPhase.Finished)
        {
            TrainingPhase phase = _state.Phase;
            long steps = _plan.Steps(phase);
            _observer.OnPhase(_plan.Name(phase), (int)steps);
            while (_state.Phase == phase && _state.PhaseStep < steps)
            {
                Step(phase, steps);
                if (cancellation.IsCancellationRequested && _state.PhaseStep < steps)
                {
                    if (_savedStep != _state.Step)
                    {
                        Save(best: false);
                    }

                    throw new OperationCanceledException(cancellation);
                }
            }

            Enter(_plan.FirstFrom(phase + 1));
            if (_state.Phase != TrainingPhase.Finished)
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _generatorOptimizer.Dispose();
        _discriminatorOptimizer.Dispose();
        _likelihood?.Dispose();
    }

    private void Step(TrainingPhase phase, long steps)
    {
        _state = _state with { Step = _state.Step + 1, PhaseStep = _state.PhaseStep + 1 };
        List<(string Tag, double Value)> scalars;
        long began = Stopwatch.GetTimestamp();
        if (phase == TrainingPhase.Pretraining)
        {
            _generatorOptimizer.LearningRate = _config.Pretraining.LearningRateAt(_state.PhaseStep, steps) * _state.LearningRateScale;
        }

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

        _state = _state with { TrainingSeconds = _state.TrainingSeconds + Stopwatch.GetElapsedTime(began).TotalSeconds };
        bool last = _state.PhaseStep == steps;
        if (_state.PhaseStep % _config.Recording.Every == 0 || last)
        {
            Report(phase, steps, scalars);
        }

        _bestInStep = phase != TrainingPhase.WarmUp && (_state.PhaseStep % _plan.EvaluationInterval(phase) == 0 || last) && Evaluate();
        if (phase == TrainingPhase.Pretraining && _config.Pretraining.Patience > 0 && _state.StaleEvaluations >= _config.Pretraining.Patience)
        {
            _observer.OnMessage($"Held-out NLL has not improved for {_state.StaleEvaluations} evaluations; going on from the best weights, of step {_state.BestStep}.");
            _state = _state with { PhaseStep = steps };
        }

        // The last step of a phase is saved by Enter: one step, one checkpoint.
        if (_state.PhaseStep < steps && (_bestInStep || _state.Step % _config.Recording.CheckpointEvery == 0))
        {
            Save(_bestInStep);
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
            Tensor realScores = AdversarialLoss.RealScoresForGenerator(options.Loss, _discriminator, RealBatch(0)); // [B]
            (Tensor loss, Tensor _) = objective.GeneratorLoss(_discriminator, generated, realScores);
            double norm = Update(_generatorOptimizer, _generator, loss, options.ClipNorm);
            objective.AfterGeneratorUpdate();
            _discriminator.SetTrainable(true);
            if (update == 0)
            {
                scalars.AddRange([("loss/generator", loss.item<float>()), ("gradient_norm/generator", norm), ("temperature", temperature), .. objective.Measured]);
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

    /// <summary>One update; returns the gradient's norm before clipping.</summary>
    private double Update(AdamOptimizer optimizer, nn.Module module, Tensor loss, double clipNorm) =>
        optimizer.Minimise(loss, clipNorm) is { IsFinite: true, GradientNorm: var norm }
            ? norm
            : throw new TrainingDivergedException(_plan.Name(_state.Phase), _state.Step, $"the loss or the gradient of the {module.GetName()} is no finite number", _folder.LatestName());

    private void Report(TrainingPhase phase, long steps, IReadOnlyList<(string Tag, double Value)> scalars)
    {
        double speed = (_state.RealSequences - _sequencesAtReport) / Math.Max(_clock.Elapsed.TotalSeconds, 1e-9);
        (_sequencesAtReport, double temperature) = (_state.RealSequences, scalars.FirstOrDefault(scalar => scalar.Tag == "temperature").Value);
        _clock.Restart();
        _recorder.Scalars(_state.Step, _plan.Name(phase), scalars);
        _recorder.Chart(_state.Step, "speed/sequences_per_second", speed);
        _observer.OnStep(new StepReport(_plan.Name(phase), (int)_state.PhaseStep, (int)steps, scalars.ToDictionary(), temperature > 0 ? temperature : null, speed));
        if (phase == TrainingPhase.Adversarial && _config.Adversarial.Loss != AdversarialLossKind.Wasserstein && scalars.FirstOrDefault(scalar => scalar.Tag == "loss/discriminator") is { Tag: not null } loss)
        {
            Watch(_state.Health.WithDiscriminatorLoss(_config.Health, loss.Value));
        }
    }

    private void Watch((HealthState State, string? Warning) health)
    {
        _state = _state with { Health = health.State };
        if (health.Warning is { } warning)
        {
            _recorder.Text("health", _state.Step, warning);
            _observer.OnMessage(warning);
        }
    }

    /// <summary>Measures and samples the generator; true where it is the best so far.</summary>
    private bool Evaluate()
    {
        EvaluationRecord record = _evaluator.Evaluate(_generator, _folder, _recorder, _state.Step, _plan.Name(_state.Phase));
        bool best = double.IsFinite(record.ValidationNll) && (_state.BestValidationNll is not { } known || record.ValidationNll < known);
        _state = best
            ? _state with { BestValidationNll = record.ValidationNll, BestStep = _state.Step, StaleEvaluations = 0 }
            : _state with { StaleEvaluations = _state.StaleEvaluations + 1 };
        _observer.OnStep(new StepReport(_plan.Name(_state.Phase), (int)_state.PhaseStep, (int)_plan.Steps(_state.Phase), record.Scalars.ToDictionary(), null, 0));
        _observer.OnSamples((int)_state.Step, record.Real, record.Generated);
        Watch(_state.Health.WithDistinct(_config.Health, record.DistinctShare, record.Samples));
        if (_state.Phase == TrainingPhase.Adversarial && _config.Objective == ObjectiveKind.Gumbel)
        {
            double temperature = _config.Temperature.At(Math.Max(1, _state.PhaseStep), _plan.Steps(_state.Phase));
            Watch(_state.Health.WithOneHot(_config.Health, _evaluator.OneHotShare(_generator, temperature), temperature));
        }

        return best && _state.Step > 0;
    }

    private void Enter(TrainingPhase next)
    {
        if (_state.Phase == TrainingPhase.Pretraining && _state.BestStep > 0 && _state.BestStep != _state.Step)
        {
            _folder.Best().LoadGenerator(_generator);
        }

        _objective?.BeforePhase();
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

        Save(_bestInStep);
    }

    private void Save(bool best)
    {
        // A checkpoint is there to be gone back to, so what has stopped being a number never becomes one.
        if (!ParameterUpdate.AreWeightsFinite(_generator) || !ParameterUpdate.AreWeightsFinite(_discriminator) || !double.IsFinite(_objective?.Baseline ?? 0))
        {
            throw new TrainingDivergedException(_plan.Name(_state.Phase), _state.Step, "a weight or the baseline is no finite number", _folder.LatestName());
        }

        _savedStep = _state.Step;
        _state = _state with { Recorded = _recorder.Flush(), Baseline = _objective?.Baseline };
        _folder.SaveCheckpoint(_state, Checkpoint.Files(_generator, _generatorOptimizer, _discriminator, _discriminatorOptimizer, _objective?.RollOutPolicy), best, _config.Recording.KeepCheckpoints);
    }

    private AdamOptimizer GeneratorOptimizer() => _state.Phase == TrainingPhase.Pretraining
        ? new AdamOptimizer(_generator, _config.Pretraining.LearningRate * _state.LearningRateScale)
        : new AdamOptimizer(_generator, _config.Adversarial.GeneratorLearningRate * _state.LearningRateScale, _config.Adversarial.Beta1);
}
