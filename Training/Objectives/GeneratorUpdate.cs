using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>Teaches the generator what the discriminator takes for real, and, where asked, what is likely.</summary>
/// <param name="learner">The generator.</param>
/// <param name="judge">The discriminator, frozen meanwhile.</param>
/// <param name="game">Generates, and knows the loss.</param>
/// <param name="parts">Networks, real sequences, the game's rules.</param>
public sealed class GeneratorUpdate(Learner learner, Learner judge, AdversarialObjective game, TrainingParts parts)
    : Update(learner, parts.Config.Adversarial.ClipNorm)
{
    private readonly AdversarialOptions _options = parts.Config.Adversarial;

    /// <inheritdoc/>
    public override int TimesAStep => _options.GeneratorSteps;

    /// <inheritdoc/>
    public override Learner Frozen => judge;

    /// <inheritdoc/>
    public override double LearningRateAt(long step, long steps) => _options.GeneratorLearningRateAt(step, steps);

    /// <inheritdoc/>
    public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(StepContext step, int repeat)
    {
        GeneratedBatch generated = repeat == 0 && step.Shared is { } shared
            ? shared
            : game.Generate(step.Ranks.Share(_options.BatchSize), step.Temperature!.Value,
                step.Noise.Derive((ulong)(_options.DiscriminatorSteps + repeat)));
        Tensor real = parts.Judged.Batch((step.PhaseStep - 1) * _options.DiscriminatorSteps); // [B, T]
        Tensor realScores = _options.Loss.RealScoresForGenerator(parts.Discriminator, real, parts.Config.Objective.MinimisesGameLoss); // [B, R]
        (Tensor loss, IReadOnlyList<(string Tag, double Value)> measured) = game.GeneratorLoss(
            generated with { Step = step.PhaseStep, Steps = step.PhaseSteps }, realScores);
        if (_options.LikelihoodWeight == 0)
        {
            return (loss, measured);
        }

        Tensor ids = parts.Adversarial.Batch((step.PhaseStep - 1) * TimesAStep + repeat); // [B, T]
        Tensor likelihood = step.Ranks.PartOfTokenMean(parts.Generator.MeanNegativeLogLikelihood(ids), ids, parts.Generator.Format.PaddingId);
        return (loss + _options.LikelihoodWeight * likelihood, [.. measured, ("loss/mle", likelihood.item<float>())]);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Tag, double Value)> Report(StepContext step, UpdateResult made) =>
    [
        ("loss/generator", made.Loss), ("gradient_norm/generator", made.GradientNorm),
        .. game.IsRelaxed ? [("temperature", step.Temperature!.Value)] : Array.Empty<(string, double)>(), .. made.Measured,
    ];

    /// <inheritdoc/>
    public override TrainingState Counted(TrainingState state, int repeat)
    {
        bool isShared = repeat == 0 && _options.BatchOfDiscriminator == _options.BatchSize;
        return state with
        {
            GeneratorUpdates = state.GeneratorUpdates + 1,
            RealSequences = state.RealSequences + (_options.LikelihoodWeight > 0 ? _options.BatchSize : 0),
            GeneratedSequences = state.GeneratedSequences + (isShared ? 0 : _options.BatchSize),
        };
    }

    /// <inheritdoc/>
    protected override void After() => game.AfterGeneratorUpdate();
}
