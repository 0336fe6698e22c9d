namespace GumbelGan.Training.Sweeps;

/// <summary>What the queue knows of a run.</summary>
/// <param name="run">Which.</param>
public sealed class SweepItem(SweepRun run)
{
    /// <summary>Which run.</summary>
    public SweepRun Run { get; } = run;

    /// <summary>Where it stands.</summary>
    public SweepItemState State { get; internal set; }

    /// <summary>Whether it was done before this sweep was started.</summary>
    public bool WasThere { get; internal set; }

    /// <summary>How long this sweep has been at it, or was.</summary>
    public TimeSpan Time { get; internal set; }

    /// <summary>Why it failed, in a sentence; null where it did not.</summary>
    public string? Reason { get; internal set; }
}

/// <summary>Where a run stands in the queue of one machine.</summary>
public enum SweepItemState
{
    /// <summary>Not started yet.</summary>
    Waiting,

    /// <summary>A child process is at it.</summary>
    Running,

    /// <summary>Another process is at it, of another sweep on the same folder.</summary>
    Elsewhere,

    /// <summary>Finished and evaluated.</summary>
    Done,

    /// <summary>It failed.</summary>
    Failed,

    /// <summary>It was stopped with the sweep, and has a checkpoint to go on from.</summary>
    Stopped,
}
