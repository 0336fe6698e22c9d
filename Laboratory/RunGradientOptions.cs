using GumbelGan.Generators;

namespace GumbelGan.Laboratory;

/// <summary>How estimators are measured at a checkpoint of a run.</summary>
public sealed record RunGradientOptions
{
    /// <summary>The run's folder.</summary>
    public required string Run { get; init; }

    /// <summary>Whether the checkpoint with the lowest validation NLL is taken instead of the latest.</summary>
    public bool Best { get; init; }

    /// <summary>Samples for the reference, leave-one-out REINFORCE.</summary>
    public int Samples { get; init; } = 51200;

    /// <summary>Batches drawn of each estimator.</summary>
    public int Batches { get; init; } = 120;

    /// <summary>Sequences of a batch.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>The temperatures of the relaxations.</summary>
    public IReadOnlyList<double> Temperatures { get; init; } = [0.25, 0.5, 1, 2];

    /// <summary>What the generator reads back in relaxed roll-outs.</summary>
    public IReadOnlyList<Feedback> Feedbacks { get; init; } = [Feedback.Relaxed, Feedback.Hard];

    /// <summary>Keys the draws.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Threads; 0 for one a core.</summary>
    public int Threads { get; init; }
}
