using GumbelGan.Generators;
using GumbelGan.Storage;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>What a run does: its phases, and what it carries from step to step beside networks and optimizers.</summary>
public abstract class Objective : IDisposable
{
    private readonly WeightAverage? _average;

    /// <summary>An objective.</summary>
    /// <param name="average">Of the generator's weights; it is disposed of with the objective. Null where nothing is averaged.</param>
    protected Objective(WeightAverage? average = null) => _average = average;

    /// <summary>The networks that learn; checkpoints hold them and their optimizers.</summary>
    public abstract IReadOnlyList<Learner> Learners { get; }

    /// <summary>What is done, in this order.</summary>
    public abstract IReadOnlyList<Phase> Phases { get; }

    /// <summary>The generator with averaged weights, once there are any; null before, and where nothing is averaged.</summary>
    public virtual IGenerator? Average => _average?.Generator;

    /// <summary>Tensors that checkpoints hold beside the learners, such as the averaged weights or those of a roll-out policy.</summary>
    public virtual IReadOnlyList<(string Name, Tensor Value)> Tensors => _average?.Tensors ?? [];

    /// <summary>Numbers that checkpoints hold, such as a moving average. What is absent has no value yet.</summary>
    public virtual IReadOnlyDictionary<string, double> Numbers
    {
        get => _average is { Updates: > 0 and var updates }
            ? new Dictionary<string, double> { [WeightAverage.UpdatesName] = updates } : new Dictionary<string, double>();
        set
        {
            if (_average is not null)
            {
                _average.Updates = value.TryGetValue(WeightAverage.UpdatesName, out double updates) ? (long)updates : 0;
            }
        }
    }

    /// <summary>A phase by its name.</summary>
    /// <exception cref="UserMistakeException">There is none, so a checkpoint belongs to another objective.</exception>
    public Phase Named(string name) => Phases.FirstOrDefault(phase => phase.Name == name)
        ?? throw new UserMistakeException($"The checkpoint is in phase '{name}', which its objective does not have; start the run anew.");

    /// <summary>
    /// The name of the first phase after <paramref name="phase"/> (null: of all) that has any steps; <see cref="Phase.Finished"/> where none has.
    /// </summary>
    public string NameAfter(Phase? phase) =>
        Phases.SkipWhile(other => phase is not null && other != phase)
            .Skip(phase is null ? 0 : 1).FirstOrDefault(other => other.Steps > 0)?.Name ?? Phase.Finished;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Takes the generator's weights into the average, after an update of them.</summary>
    protected void FollowWeights() => _average?.Follow();

    /// <summary>Begins the average anew, with a phase.</summary>
    protected void ForgetAverage()
    {
        if (_average is not null)
        {
            _average.Updates = 0;
        }
    }

    /// <summary>Frees what is native.</summary>
    protected virtual void Dispose(bool disposing)
    {
        _average?.Dispose();
        foreach (IDisposable part in Phases.SelectMany(phase => phase.Updates).OfType<IDisposable>().Concat(Learners))
        {
            part.Dispose();
        }
    }
}
