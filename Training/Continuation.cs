using System.Globalization;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Storage;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Runs;

namespace GumbelGan.Training;

/// <summary>
/// How a run that exists goes on: from which step to which, and under which configuration. Everything is checked here and nothing changed but by
/// <see cref="Write"/>.
/// </summary>
/// <remarks>
/// A phase that is lengthened goes on as if it had been so long from the beginning: same batches, same noise, optimizers and all. The temperature
/// and the mixture's shares keep the horizon that they had, so they stay at their final values. So a run of N adversarial steps at constant learning
/// rates that is extended by M ends with the bits of one of N + M steps with <c>temperature.horizon</c> and <c>mixture.horizon</c> N. A learning rate
/// that falls, a cosine, is from there on that of the new length: it rises again, since at the old one's end nothing more would be learned, and
/// <see cref="Remark"/> tells so. Pre-training that is lengthened goes on from the weights that it ended with, its best.
/// </remarks>
public sealed class Continuation : IDisposable
{
    private static readonly Dictionary<string, Func<RunConfig, int>> _lengths = new()
    {
        ["pretraining.epochs"] = config => config.Pretraining.Epochs,
        ["adversarial.steps"] = config => config.Adversarial.Steps,
    };

    private readonly RunFolder _folder;
    private readonly Checkpoint? _checkpoint;
    private readonly RunEnvironment? _environment;
    private readonly IReadOnlyList<string> _extensions;

    private Continuation(RunFolder folder, TrainingJob job, IReadOnlyList<ConfigurationAssignment> extensions)
    {
        (_folder, Job) = (folder, job);
        _checkpoint = folder.LatestName() is null ? null : folder.Latest();
        State = _checkpoint?.State();
        _extensions = [.. extensions.Select(given => $"{given.Path}={given.Value} at step {State?.Step ?? 0}")];
        if (State is not null)
        {
            _environment = RunEnvironment.Read(folder.Environment);
            _environment.RefuseOther(RunEnvironment.Describe(job.Config, job.Corpus, job.Generator, job.Discriminator, ""), folder.Path);
        }
    }

    /// <summary>The keys that can be lengthened.</summary>
    public static IReadOnlyCollection<string> Lengths => _lengths.Keys;

    /// <summary>Networks and corpus, under the configuration that holds from now on.</summary>
    public TrainingJob Job { get; }

    /// <summary>Where the run stands; null where it has no checkpoint and begins anew.</summary>
    public TrainingState? State { get; private set; }

    /// <summary>What to tell of learning rates that the new length changes; null where it changes none.</summary>
    public string? Remark { get; private set; }

    /// <summary>How the run in <paramref name="folder"/> would go on.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="extensions">By how much to lengthen what.</param>
    /// <param name="ranks">Who will go on together; null for this process alone.</param>
    /// <exception cref="UserMistakeException">It cannot, or may not; the message says why.</exception>
    public static Continuation Of(RunFolder folder, IReadOnlyList<ConfigurationAssignment> extensions, ICollective? ranks = null)
    {
        RunConfig before = ConfigurationReader.Read<RunConfig>(folder.Configuration), config = before;
        foreach (ConfigurationAssignment extension in extensions)
        {
            config = Extended(config, extension);
        }

        bool anew = folder.LatestName() is null;
        if (!anew && extensions.Count == 0 && folder.Latest().State().Phase == Phase.Finished)
        {
            throw new UserMistakeException($"The run in {folder.Path} has finished; there is nothing to resume. Go beyond its end with "
                + $"--extend, for example --extend adversarial.steps=500.");
        }

        var job = TrainingJob.Prepare(config, anew ? null : RunTokenizer.Load(folder), ranks);
        try
        {
            var continuation = new Continuation(folder, job, extensions);
            if (continuation.State is { } state && extensions.Count > 0)
            {
                long[] old = continuation.Steps(before);
                continuation.State = continuation.Placed(state, old);
                continuation.Remark = continuation.RatesOfNewLength(continuation.State, old);
            }

            return continuation;
        }
        catch
        {
            job.Dispose();
            throw;
        }
    }

    /// <summary>What going on would do, in words, for whoever asks before it is done.</summary>
    public string Describe()
    {
        using Objective objective = Job.CreateObjective();
        if (State is not { } state)
        {
            return $"The run in {_folder.Path} has no checkpoint; it would begin anew, at step 0 of {objective.Phases.Sum(phase => phase.Steps)}.";
        }

        Load(objective);
        Phase now = objective.Named(state.Phase);
        long left = objective.Phases.SkipWhile(phase => phase != now).Sum(phase => phase.Steps) - state.PhaseStep;
        string extended = _extensions.Count == 0 ? "" : $", lengthened by {string.Join(" and ", _extensions.Select(given => given.Split(' ')[0]))},";
        return $"The run in {_folder.Path} would go on{extended} from step {state.Step} (phase '{now.Name}', {state.PhaseStep} of {now.Steps}) to "
            + $"step {state.Step + left} at most, and write metrics, TensorBoard events, samples and checkpoints there; nothing has been changed."
            + (Remark is null ? "" : $" {Remark}");
    }

    /// <summary>Writes down what is extended, so that the run goes on so however often it is interrupted. The old evaluation is set aside.</summary>
    public void Write()
    {
        if (_extensions.Count == 0)
        {
            return;
        }

        if (State is { } state)
        {
            SaveExtended(state);
            (_environment! with { Extensions = [.. _environment.Extensions, .. _extensions] }).Write(_folder.Environment);
            string evaluation = Path.Combine(_folder.Path, EvaluationDocument.FileName);
            if (File.Exists(evaluation))
            {
                File.Move(evaluation, Path.ChangeExtension(evaluation, string.Create(CultureInfo.InvariantCulture, $"{state.Step}.json")),
                    overwrite: true);
            }
        }

        AtomicFile.WriteAllText(_folder.Configuration, ConfigurationWriter.Write(Job.Config));
    }

    /// <inheritdoc/>
    public void Dispose() => Job.Dispose();

    private static RunConfig Extended(RunConfig config, ConfigurationAssignment extension)
    {
        if (!_lengths.TryGetValue(extension.Path, out Func<RunConfig, int>? length))
        {
            throw new UserMistakeException($"{extension.Origin}: only {string.Join(" and ", Lengths)} can be extended.");
        }

        if (!int.TryParse(extension.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int more) || more == 0)
        {
            throw new UserMistakeException($"{extension.Origin}: say by how many to extend it, a whole number above 0.");
        }

        ConfigurationAssignment Set(string path, long value) => extension with { Path = path, Value = value.ToString(CultureInfo.InvariantCulture) };
        return ConfigurationReader.Read<RunConfig>([new ConfigurationLayer("config.yaml", ConfigurationWriter.Write(config))],
            [Set(extension.Path, (long)length(config) + more),
                Set("temperature.horizon", Horizon(config.Temperature.Horizon)), Set("mixture.horizon", Horizon(config.Mixture.Horizon))]);
        int Horizon(int own) => own > 0 ? own : config.Adversarial.Steps;
    }

    /// <summary>Where a run stands once its phases have their new lengths.</summary>
    private TrainingState Placed(TrainingState state, long[] old)
    {
        long[] now = Steps(Job.Config);
        string[] names;
        using (Objective objective = Job.CreateObjective())
        {
            names = [.. objective.Phases.Select(phase => phase.Name)];
        }

        int last = Array.FindLastIndex(old, steps => steps > 0);
        int at = state.Phase == Phase.Finished ? last : Array.IndexOf(names, state.Phase);
        int grown = Enumerable.Range(0, now.Length).First(phase => now[phase] > old[phase]);
        if (grown < at)
        {
            throw new UserMistakeException($"The run in {_folder.Path} has left phase '{names[grown]}' behind, which cannot be extended any more; "
                + "extend a later one.");
        }

        if (state.Phase != Phase.Finished)
        {
            return state;
        }

        return grown == at
            ? state with { Phase = names[at], PhaseStep = Math.Min(old[at], state.Step) }
            : state with { Phase = names[grown], PhaseStep = 0, StaleEvaluations = 0 };
    }

    // In a phase that is begun: what was a rate of the old length at the step reached, and is one of the new.
    private string? RatesOfNewLength(TrainingState state, long[] old)
    {
        if (state.PhaseStep == 0)
        {
            return null;
        }

        using Objective objective = Job.CreateObjective();
        Phase phase = objective.Named(state.Phase);
        (long step, long before, long now) = (state.PhaseStep, old[objective.Phases.ToList().IndexOf(phase)], phase.Steps);
        string[] changed = [.. phase.Updates
            .Select(update => (update.Learner.Name, Was: update.LearningRateAt(step, before), Is: update.LearningRateAt(step, now)))
            .Where(rate => rate.Was != rate.Is)
            .Select(rate => string.Create(CultureInfo.InvariantCulture, $"the {rate.Name}'s is {rate.Is:G3} where it had come to {rate.Was:G3}"))];
        return changed.Length == 0 ? null : $"Learning rates are from here on those of {now} steps: {string.Join(", ", changed)}.";
    }

    private long[] Steps(RunConfig config)
    {
        using Objective objective = Job.CreateObjective(config);
        return [.. objective.Phases.Select(phase => phase.Steps)];
    }

    // A checkpoint of the same step, in the phase that follows: what was finished is not.
    private void SaveExtended(TrainingState state)
    {
        if (_checkpoint!.State().Phase != Phase.Finished)
        {
            return;
        }

        using Objective objective = Job.CreateObjective();
        Load(objective);
        if (state.PhaseStep == 0)
        {
            objective.Named(state.Phase).Begin();
        }

        _folder.SaveCheckpoint(state with { Objective = objective.Numbers }, Checkpoint.Files(objective), best: false,
            Job.Config.Recording.KeepCheckpoints);
    }

    // Whether every file of the checkpoint fits shows here.
    private void Load(Objective objective)
    {
        TrainingState stands = _checkpoint!.State();
        _checkpoint.LoadWeights(objective);
        if (stands.Phase != Phase.Finished)
        {
            objective.Named(stands.Phase).Begin();
        }

        _checkpoint.LoadProgress(objective, stands);
    }
}
