namespace GumbelGan.Training;

/// <summary>How far a run has come, as its folder tells.</summary>
public enum RunStatus
{
    /// <summary>Nothing is recorded yet.</summary>
    Empty,

    /// <summary>Records have arrived within the last two minutes, and the final one is not among them.</summary>
    Running,

    /// <summary>Records have ceased before the end; <c>gumbelgan train --resume</c> continues it.</summary>
    Stopped,

    /// <summary>The final record, with the test set's NLL, is there.</summary>
    Finished,
}
