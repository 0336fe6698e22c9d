using GumbelGan.Generators;

namespace GumbelGan.Training.Watching;

/// <summary>How a finished run is evaluated; runs that shall compare are evaluated alike.</summary>
public sealed record FinalEvaluationOptions
{
    /// <summary>
    /// Sequences drawn for every metric; no more than there are validation lines, which stand beside them, are used for BLEU and the like.
    /// </summary>
    public int Count { get; init; } = 1000;

    /// <summary>Sampling temperatures of the quality-diversity curves, ascending.</summary>
    public IReadOnlyList<double> Temperatures { get; init; } = [0.5, 0.75, 1, 1.25, 1.5];

    /// <summary>Truncates what every sample is drawn from, at every temperature; its own temperature is not read.</summary>
    public SamplingRule Sampling { get; init; } = new();

    /// <summary>Where the corpus lies now; null where it lies where it lay.</summary>
    public string? Corpus { get; init; }

    /// <summary>The grammar file that the corpus was drawn from: adds validity and divergences; null where there is none.</summary>
    public string? Grammar { get; init; }

    /// <summary>
    /// The oracle that the corpus was drawn from, a file or a seed: adds nll/oracle; null takes the configuration's, if it names one.
    /// </summary>
    public string? Oracle { get; init; }

    /// <summary>
    /// The method's name in a comparison; null to take the configuration's label, or else <see cref="Objectives.ObjectiveKind.MethodName"/>.
    /// </summary>
    public string? Method { get; init; }
}
