using GumbelGan.Generators;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Objectives;

/// <summary>The phases in which the generator learns by maximum likelihood, which several objectives share.</summary>
internal static class LikelihoodPhases
{
    /// <summary>The generator's learner, as the first phase wants it.</summary>
    public static Learner Learner(RunConfig config, IGenerator generator) =>
        new("generator", generator.Module, config.Pretraining.LearningRate, PretrainingBeta1);

    /// <summary>
    /// What every objective begins with: likelihood with dropout, stopped where held-out likelihood no longer improves, and gone on from its best
    /// weights.
    /// </summary>
    public static Phase Pretraining(TrainingParts parts, Learner learner)
    {
        PretrainingOptions options = parts.Config.Pretraining;
        var update = new LikelihoodUpdate(learner, parts.Generator, parts.Pretraining.Batch, options.BatchSize, options.Dropout, options.ClipNorm,
            options.LearningRateAt);
        return new Phase("pretraining", options.Epochs * parts.Pretraining.BatchesPerEpoch, [update])
        {
            EvaluationInterval = parts.Config.Recording.EvaluationInterval(parts.Pretraining.BatchesPerEpoch),
            Patience = options.Patience,
            EndsAtBest = true,
            Begin = () => learner.Renew(options.LearningRate, PretrainingBeta1, options.WeightDecay),
        };
    }

    /// <summary>As many further likelihood steps as an adversarial objective would make.</summary>
    /// <param name="parts">Networks, corpus, options.</param>
    /// <param name="learner">The generator's.</param>
    /// <param name="begin">Called when the phase begins.</param>
    /// <param name="after">Called after each update.</param>
    public static Phase Continued(TrainingParts parts, Learner learner, Action begin, Action after)
    {
        AdversarialOptions options = parts.Config.Adversarial;
        var update = new LikelihoodUpdate(
            learner, parts.Generator, parts.Adversarial.Batch, options.BatchSize, parts.Config.Pretraining.Dropout, options.ClipNorm,
                options.GeneratorLearningRateAt)
        { Following = after };
        void Begin()
        {
            learner.Renew(options.GeneratorLearningRate, options.BetaOfGenerator, options.GeneratorWeightDecay);
            begin();
        }

        return new Phase("maximum likelihood", options.Steps, [update])
        {
            EvaluationInterval = parts.Config.Recording.EvaluationInterval(parts.Adversarial.BatchesPerEpoch),
            Begin = Begin,
        };
    }

    private const double PretrainingBeta1 = 0.9;
}
