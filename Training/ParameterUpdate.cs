namespace GumbelGan.Training;

/// <summary>What became of an update.</summary>
/// <param name="IsFinite">False where the loss or the gradient was no finite number, and nothing was changed.</param>
/// <param name="GradientNorm">Joint Euclidean norm before clipping.</param>
/// <param name="Loss">Before the update; with several ranks that of the whole batch.</param>
public readonly record struct ParameterUpdate(bool IsFinite, double GradientNorm, double Loss);
