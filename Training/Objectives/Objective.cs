using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>What a run does: its phases, and what it carries from step to step beside networks and optimizers.</summary>
public abstract class Objective : IDisposable
{
    /// <summary>The networks that learn; checkpoints hold them and their optimizers.</summary>
    public abstract IReadOnlyList<Learner> Learners { get; }

    /// <summary>What is done, in this order.</summary>
    public abstract IReadOnlyList<Phase> Phases { get; }

    /// <summary>Tensors that checkpoints hold beside the learners, such as the weights of a roll-out policy.</summary>
    public virtual IReadOnlyList<(string Name, Tensor Value)> Tensors => [];

    /// <summary>Numbers that checkpoints hold, such as a moving average. What is absent has no value yet.</summary>
    public virtual IReadOnlyDictionary<string, double> Numbers
    {
        get => new Dictionary<string, double>();
        set { }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what is native.</summary>
    protected virtual void Dispose(bool disposing)
    {
        foreach (IDisposable part in Phases.SelectMany(phase => phase.Updates).OfType<IDisposable>().Concat(Learners))
        {
            part.Dispose();
        }
    }
}
