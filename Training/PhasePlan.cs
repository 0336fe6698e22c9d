namespace GumbelGan.Training;

/// <summary>Which phases a run has, how long they are, and how often the generator is evaluated in them.</summary>
/// <param name="config">The run.</param>
/// <param name="isAdversarial">False where the objective is maximum likelihood throughout.</param>
/// <param name="pretrainingEpoch">Steps of one pass over the training split while pre-training.</param>
/// <param name="adversarialEpoch">The same afterwards.</param>
public sealed class PhasePlan(RunConfig config, bool isAdversarial, long pretrainingEpoch, long adversarialEpoch)
{
    /// <summary>Steps of <paramref name="phase"/>.</summary>
    public long Steps(TrainingPhase phase) => phase switch
    {
        TrainingPhase.Pretraining => config.Pretraining.Epochs * pretrainingEpoch,
        TrainingPhase.WarmUp => !isAdversarial || config.Adversarial.Steps == 0 ? 0 : config.Adversarial.DiscriminatorWarmUpSteps,
        TrainingPhase.Adversarial => config.Adversarial.Steps,
        _ => 0,
    };

    /// <summary>The first phase from <paramref name="phase"/> on that has any steps; finished where none has.</summary>
    public TrainingPhase FirstFrom(TrainingPhase phase)
    {
        while (phase < TrainingPhase.Finished && Steps(phase) == 0)
        {
            phase++;
        }

        return phase;
    }

    /// <summary>Steps between two evaluations in <paramref name="phase"/>.</summary>
    public long EvaluationInterval(TrainingPhase phase) =>
        config.Recording.EvaluateEvery > 0 ? config.Recording.EvaluateEvery : phase == TrainingPhase.Pretraining ? pretrainingEpoch : adversarialEpoch;

    /// <summary>What records and the terminal call <paramref name="phase"/>.</summary>
    public string Name(TrainingPhase phase) => phase switch
    {
        TrainingPhase.Pretraining => "pretraining",
        TrainingPhase.WarmUp => "warm-up",
        TrainingPhase.Adversarial => isAdversarial ? "adversarial" : "maximum likelihood",
        _ => "finished",
    };
}
