using GumbelGan.Randomness;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Objectives;

namespace GumbelGan.Training;

/// <summary>
/// What an update knows of the step that it belongs to. Everything random in it is keyed by the step, so a resumed run does what an uninterrupted one
/// does.
/// </summary>
/// <param name="PhaseStep">Steps of the phase with this one, from 1.</param>
/// <param name="PhaseSteps">Steps of the phase in all.</param>
/// <param name="Temperature">Of the relaxation; null in phases that have none.</param>
/// <param name="Noise">Keys what is sampled.</param>
/// <param name="Dropout">Keys what is dropped.</param>
public sealed record StepContext(long PhaseStep, long PhaseSteps, double? Temperature, RandomKey Noise, RandomKey Dropout)
{
    /// <summary>Who makes the step together; the keys are then those of this rank's slice of each batch.</summary>
    public ICollective Ranks { get; init; } = SingleProcess.Instance;

    /// <summary>The samples that the step's updates share, once one of them has drawn them.</summary>
    public GeneratedBatch? Shared { get; set; }
}
