namespace GumbelGan.Training.Runs;

/// <summary>How far a run has come, as its folder tells.</summary>
public enum RunStatus
{
    /// <summary>Nothing is recorded yet.</summary>
    Empty,

    /// <summary>A process is training into the folder.</summary>
    Running,

    /// <summary>No process trains any more, and the end was not reached; <c>gumbelgan train --resume</c> continues it.</summary>
    Stopped,

    /// <summary>The final record, with the test set's NLL, is there.</summary>
    Finished,
}
