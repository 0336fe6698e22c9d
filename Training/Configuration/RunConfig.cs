using System.ComponentModel.DataAnnotations;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Tokenization;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Objectives.ControlVariates;
using GumbelGan.Training.Schedules;
using GumbelGan.Training.Watching;

namespace GumbelGan.Training.Configuration;

/// <summary>Everything that a run depends on, its extensions excepted. Written into the run folder, it starts the same run again.</summary>
public sealed record RunConfig : IValidatableObject
{
    /// <summary>The text to learn, UTF-8, one sequence a line.</summary>
    public string Corpus { get; init; } = "";

    /// <summary>
    /// A run whose tokenizer and generator weights this one begins with, or run:checkpoint (a name such as 000500, best or latest; best where none
    /// is named); empty begins with random weights.
    /// </summary>
    public string From { get; init; } = "";

    /// <summary>What the generator learns from.</summary>
    public ObjectiveKind Objective { get; init; } = ObjectiveKind.Default;

    /// <summary>What comparisons call the method, and runs of one label are its seeds; empty takes the objective and its kind.</summary>
    public string Label { get; init; } = "";

    /// <summary>The name under which a comparison groups this run.</summary>
    internal string MethodName => Label.Length > 0 ? Label : Objective.MethodName(this);

    /// <summary>The root of every random stream.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>cpu or cuda.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads for the engine; 0 means one a core.</summary>
    [Range(0, 1024)]
    public int Threads { get; init; }

    /// <summary>How text becomes tokens.</summary>
    public TokenizerOptions Tokenizer { get; init; } = new();

    /// <summary>Which lines are used, and for what.</summary>
    public CorpusOptions Data { get; init; } = new();

    /// <summary>The generator.</summary>
    public GeneratorOptions Generator { get; init; } = GeneratorKind.Default.NewOptions();

    /// <summary>The discriminator.</summary>
    public DiscriminatorOptions Discriminator { get; init; } = DiscriminatorKind.Default.NewOptions();

    /// <summary>The maximum-likelihood phase.</summary>
    public PretrainingOptions Pretraining { get; init; } = new();

    /// <summary>The adversarial phase.</summary>
    public AdversarialOptions Adversarial { get; init; } = new();

    /// <summary>How objectives reinforce, rloo, rebar, relax, critic and mixture learn from rewards.</summary>
    public ReinforceOptions Reinforce { get; init; } = new();

    /// <summary>The shares of objective mixture's two estimates.</summary>
    public MixtureOptions Mixture { get; init; } = new();

    /// <summary>The control variate of objectives rebar, relax and critic.</summary>
    public ControlVariateOptions ControlVariate { get; init; } = new();

    /// <summary>The temperature of the relaxation during the adversarial phase.</summary>
    public TemperatureOptions Temperature { get; init; } = new();

    /// <summary>What is written while training, and how often.</summary>
    public RecordingOptions Recording { get; init; } = new();

    /// <summary>What is watched while training.</summary>
    public HealthOptions Health { get; init; } = new();

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Device is not ("cpu" or "cuda"))
        {
            yield return new ValidationResult($"is '{Device}'; it must be cpu or cuda.", [nameof(Device)]);
        }

        // Where nothing judges, the rules of judging contradict nothing.
        foreach (string contradiction in Objective.HasDiscriminator
            ? Adversarial.Problems(Discriminator.SpectralNorm, Objective.MinimisesGameLoss) : [])
        {
            yield return new ValidationResult(contradiction);
        }

        if (Recording.Weights == GeneratorWeights.Average && Adversarial.AverageDecay == 0)
        {
            yield return new ValidationResult("recording.weights is average, which needs adversarial.average_decay, for example 0.999.");
        }

        if (Data.Grammar.Length > 0 && Data.End == SequenceEnd.None)
        {
            yield return new ValidationResult("data.grammar judges sequences that end; leave it out, or set data.end to token.");
        }

        if (Data.Grammar.Length > 0 && Recording.BleuSamples < 2)
        {
            yield return new ValidationResult("data.grammar adds to the metrics of an evaluation; raise recording.bleu_samples to 2 at least.");
        }

        if (Objective.Problem(this) is { } problem)
        {
            yield return new ValidationResult(problem);
        }
    }
}
