namespace GumbelGan.Training.Recording;

/// <summary>How a run ended, in TensorBoard's hyper-parameter table.</summary>
public enum SessionOutcome
{
    /// <summary>All steps were made.</summary>
    Success,

    /// <summary>The run stopped before its last step and will not go on.</summary>
    Failure,
}
