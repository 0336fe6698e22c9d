using GumbelGan.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training;

/// <summary>What became of an update.</summary>
/// <param name="IsFinite">False where the loss or the gradient was no finite number, and nothing was changed.</param>
/// <param name="Loss">Before the update.</param>
/// <param name="GradientNorm">Joint Euclidean norm before clipping.</param>
/// <param name="Measured">On the way to the loss, under TensorBoard tags.</param>
public sealed record UpdateResult(bool IsFinite, double Loss, double GradientNorm, IReadOnlyList<(string Tag, double Value)> Measured);

/// <summary>One kind of update in a phase: what learns, how often a step, and the loss that it lowers.</summary>
/// <param name="learner">What learns.</param>
/// <param name="clipNorm">Gradients are scaled down to this joint norm; 0 does not clip.</param>
public abstract class Update(Learner learner, double clipNorm)
{
    /// <summary>What learns.</summary>
    public Learner Learner => learner;

    /// <summary>Gradients are scaled down to this joint norm; 0 does not clip.</summary>
    public double ClipNorm => clipNorm;

    /// <summary>How often it is made in each step.</summary>
    public virtual int TimesAStep => 1;

    /// <summary>Which of a step's repeats is reported.</summary>
    public virtual int ReportedRepeat => 0;

    /// <summary>What gradients pass through without changing it; null where there is nothing such.</summary>
    public virtual Learner? Frozen => null;

    /// <summary>Adam's step size in step <paramref name="step"/> of <paramref name="steps"/>, counted from 1.</summary>
    public abstract double LearningRateAt(long step, long steps);

    /// <summary>Draws what later updates of the step share; its tensors live until the end of the step.</summary>
    public virtual void Prepare(StepContext step, int repeat)
    {
    }

    /// <summary>The loss, and what was measured on the way to it, under TensorBoard tags.</summary>
    /// <returns>A scalar.</returns>
    public abstract (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(StepContext step, int repeat);

    /// <summary>What a report says of an update, under TensorBoard tags.</summary>
    public abstract IReadOnlyList<(string Tag, double Value)> Report(StepContext step, UpdateResult made);

    /// <summary>The state with this update counted, and the sequences that were read and generated for it (those that are shared once).</summary>
    public abstract TrainingState Counted(TrainingState state, int repeat);

    /// <summary>Makes the update: loss, backward, clip, step. What is frozen is thawed again, whatever happens.</summary>
    public UpdateResult Make(StepContext step, int repeat)
    {
        using DisposeScope scope = NewDisposeScope();
        Frozen?.SetTrainable(false);
        try
        {
            (Tensor loss, IReadOnlyList<(string Tag, double Value)> measured) = Loss(step, repeat);
            ParameterUpdate made = learner.Optimizer.Minimise(loss, clipNorm, learner.ExchangeWith(step.Ranks));
            if (made.IsFinite)
            {
                After();
            }

            return new UpdateResult(made.IsFinite, made.Loss, made.GradientNorm, measured);
        }
        finally
        {
            Frozen?.SetTrainable(true);
        }
    }

    /// <summary>Called after the weights have changed.</summary>
    protected virtual void After()
    {
    }
}
