using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Objectives;

/// <summary>Maximum likelihood, first to last.</summary>
public sealed class LikelihoodObjective : Objective
{
    private readonly Learner _generator, _discriminator;

    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = new("mle", parts => new LikelihoodObjective(parts), _ => "mle")
    {
        GeneratorUpdatesAStep = _ => 1,
        HasDiscriminator = false,
        Reads = [],
        BenchmarkedStep = "one maximum-likelihood step",
    };

    /// <summary>An objective of these parts; the discriminator is there and stays as it is.</summary>
    /// <param name="parts">Networks, corpus, options.</param>
    public LikelihoodObjective(TrainingParts parts)
        : base(WeightAverage.Of(parts))
    {
        AdversarialOptions options = parts.Config.Adversarial;
        _generator = LikelihoodPhases.Learner(parts.Config, parts.Generator);
        _discriminator = new Learner("discriminator", parts.Discriminator, options.DiscriminatorLearningRate, options.BetaOfDiscriminator);
        Phases = [LikelihoodPhases.Pretraining(parts, _generator), LikelihoodPhases.Continued(parts, _generator, ForgetAverage, FollowWeights)];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Learner> Learners => [_generator, _discriminator];

    /// <inheritdoc/>
    public override IReadOnlyList<Phase> Phases { get; }
}
