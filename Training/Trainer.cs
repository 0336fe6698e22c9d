using System.Diagnostics;
using GumbelGan.Randomness;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using static TorchSharp.torch;

namespace GumbelGan.Training;

/// <summary>
/// The loop: it walks the phases of an objective and the updates of a step. What is learned is up to the objective; what is measured and reported, to
/// the files in Watching/.
/// </summary>
/// <remarks>
/// Everything random in step n is keyed by the seed and n, so a run continued from a checkpoint does exactly what an uninterrupted one does.
/// Where several ranks train together each computes on its slice of every batch, and all have the same weights after every update. Rank 0 alone
/// evaluates, records and writes; what it finds out, all are told.
/// </remarks>
public sealed class Trainer
{
    private readonly RunConfig _config;
    private readonly Objective _objective;
    private readonly RunFolder _folder;
    private readonly ITrainingObserver _observer;
    private readonly Reporter? _reporter;
    private readonly Selection? _selection;
    private readonly ICollective _ranks;
    private readonly RandomKey _noise, _dropout;
    private TrainingState _state;
    private long _savedStep = -1;
    private bool _isBest;

    /// <summary>A trainer at the very start, or where <paramref name="checkpoint"/> was written.</summary>
    /// <param name="config">What to do.</param>
    /// <param name="objective">What is learned; its networks' weights are loaded from the checkpoint, if any.</param>
    /// <param name="selection">Evaluates the generator, and knows the best; null but on rank 0.</param>
    /// <param name="reporter">Records, and tells the observer; null but on rank 0.</param>
    /// <param name="folder">Where checkpoints go.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="checkpoint">Where to go on from, or null; what rank 0 says holds for all.</param>
    /// <param name="ranks">Who trains together.</param>
    public Trainer(RunConfig config, Objective objective, Selection? selection, Reporter? reporter, RunFolder folder, ITrainingObserver observer,
        Checkpoint? checkpoint, ICollective ranks)
    {
        (_config, _objective, _selection, _reporter, _folder, _observer) = (config, objective, selection, reporter, folder, observer);
        var root = new RandomKey((ulong)config.Seed);
        _ranks = ranks;
        (_noise, _dropout) = (root.Derive("noise") with { Slice = ranks.Rank }, root.Derive("dropout") with { Slice = ranks.Rank });
        (_state, _) = ranks.FromRoot(() => (checkpoint?.State() ?? new TrainingState { Phase = objective.NameAfter(null) }, true));
        checkpoint?.LoadWeights(objective);
        if (_state.Phase != Phase.Finished)
        {
            objective.Named(_state.Phase).Begin();
        }

        checkpoint?.LoadProgress(objective, _state);
        ranks.Share(objective, _state);
    }

    /// <summary>Trains to the end. Where cancelled, the step in progress is finished and a checkpoint written first.</summary>
    /// <exception cref="OperationCanceledException">Training was interrupted; a checkpoint is on the disk.</exception>
    /// <exception cref="TrainingDivergedException">A loss, a gradient or a weight is no finite number.</exception>
    public void Run(CancellationToken cancellation)
    {
        if (_ranks.FromRoot(() => _folder.LatestName() is null))
        {
            // The untrained weights are a checkpoint like any other, and may prove to be the best.
            _isBest = _state.Phase == Phase.Finished;
            if (!_isBest)
            {
                Evaluate(_objective.Named(_state.Phase));
            }

            Save();
        }

        while (_state.Phase != Phase.Finished)
        {
            Phase phase = _objective.Named(_state.Phase);
            _observer.OnPhase(phase.Name, (int)phase.Steps);
            while (_state.PhaseStep < phase.Steps)
            {
                Step(phase);
                if (_ranks.Any(cancellation.IsCancellationRequested) && _state.PhaseStep < phase.Steps)
                {
                    if (_savedStep != _state.Step)
                    {
                        _isBest = false;
                        Save();
                    }

                    throw new OperationCanceledException(cancellation);
                }
            }

            Leave(phase);
            if (_state.Phase != Phase.Finished && _ranks.Any(cancellation.IsCancellationRequested))
            {
                throw new OperationCanceledException(cancellation);
            }
        }
    }

    private void Step(Phase phase)
    {
        _state = _state with { Step = _state.Step + 1, PhaseStep = _state.PhaseStep + 1 };
        long began = Stopwatch.GetTimestamp();
        var measured = new List<(string Tag, double Value)>();
        var step = new StepContext(_state.PhaseStep, phase.Steps, phase.TemperatureAt?.Invoke(_state.PhaseStep), _noise.Derive((ulong)_state.Step),
            _dropout.Derive((ulong)_state.Step))
        {
            Ranks = _ranks,
        };
        using (NewDisposeScope())
        {
            foreach (Update update in phase.Updates)
            {
                update.Learner.Optimizer.LearningRate = update.LearningRateAt(_state.PhaseStep, phase.Steps) * _state.LearningRateScale;
                for (int repeat = 0; repeat < update.TimesAStep; repeat++)
                {
                    // Where two updates teach the same network, the first one's gradient is the one that is charted.
                    measured.AddRange(Make(phase, update, step, repeat)
                        .Where(scalar => measured.TrueForAll(other => other.Tag != scalar.Tag)).ToArray());
                }
            }
        }

        _state = _state with { TrainingSeconds = _state.TrainingSeconds + Stopwatch.GetElapsedTime(began).TotalSeconds };
        bool last = _state.PhaseStep == phase.Steps;
        if (_state.PhaseStep % _config.Recording.Every == 0 || last)
        {
            measured = _ranks.Average(measured);
            _state = _reporter?.Report(phase, step, _state, measured) ?? _state;
        }

        _isBest = false;
        if (phase.EvaluationInterval > 0 && (_state.PhaseStep % phase.EvaluationInterval == 0 || last))
        {
            Evaluate(phase);
        }

        if (phase.Patience > 0 && _state.StaleEvaluations >= phase.Patience)
        {
            _observer.OnMessage($"Held-out NLL has not improved for {_state.StaleEvaluations} evaluations; going on from the best weights, of "
                + $"step {_state.BestStep}.");
            _state = _state with { PhaseStep = phase.Steps };
        }

        // The last step of a phase is saved as the phase is left: one step, one checkpoint.
        if (_state.PhaseStep < phase.Steps && (_isBest || _state.Step % _config.Recording.CheckpointEvery == 0))
        {
            Save();
        }
    }

    /// <summary>One update of a step; returns what is to be reported of it.</summary>
    private IReadOnlyList<(string Tag, double Value)> Make(Phase phase, Update update, StepContext step, int repeat)
    {
        try
        {
            update.Prepare(step, repeat);
            UpdateResult made = update.Make(step, repeat);
            _state = made.IsFinite ? update.Counted(_state, repeat) : throw new NotFiniteNumberException(
                $"The loss or the gradient of the {update.Learner.Name} is no finite number.");
            return repeat == update.ReportedRepeat ? update.Report(step, made) : [];
        }
        catch (NotFiniteNumberException failure)
        {
            throw Diverged(failure.Message);
        }
    }

    private void Evaluate(Phase phase) => (_state, _isBest) = _ranks.FromRoot(() => _selection!.Evaluate(phase, _state));

    private TrainingDivergedException Diverged(string what) =>
        new(_state.Phase, _state.Step, char.ToLowerInvariant(what[0]) + what[1..].TrimEnd('.'), _folder.LatestName());

    private void Leave(Phase phase)
    {
        string next = _objective.NameAfter(phase);
        (_state, bool isOnlyChoice) = _ranks.FromRoot(() => _selection!.Leave(phase, _state, isLast: next == Phase.Finished));
        _ranks.Share(_objective, _state with { Objective = _objective.Numbers });
        _isBest |= isOnlyChoice;
        _state = _state with { Phase = next, PhaseStep = 0, StaleEvaluations = 0 };
        if (_state.Phase == Phase.Finished)
        {
            _selection?.Finish(_state);
        }
        else
        {
            _objective.Named(_state.Phase).Begin();
        }

        Save();
    }

    private void Save()
    {
        // A run goes back to a checkpoint when it diverges, so none may hold what diverged.
        if (_objective.Learners.Any(learner => !learner.IsFinite) || _objective.Numbers.Values.Any(number => !double.IsFinite(number)))
        {
            throw Diverged("A weight or the baseline is no finite number.");
        }

        _ranks.RequireEqualWeights(_objective);
        _savedStep = _state.Step;
        _state = _state with { Objective = _objective.Numbers };
        if (_reporter is not null)
        {
            _state = _state with { Recorded = _reporter.Flush() };
            _folder.SaveCheckpoint(_state, Checkpoint.Files(_objective), _isBest, _config.Recording.KeepCheckpoints);
        }

        // What is written is on the disk before anybody goes on, or ends.
        _ranks.Barrier();
    }
}
