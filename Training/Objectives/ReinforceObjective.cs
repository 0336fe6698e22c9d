using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// REINFORCE (Williams 1992): the generator's own samples, each token made more likely by its return above a baseline. The loss is
/// sum over t of (return - baseline) * -log p(token t | before), averaged over the batch.
/// </summary>
/// <remarks>B batch, T time, V vocabulary.</remarks>
public sealed class ReinforceObjective : ScoreFunctionObjective
{
    private const string LeaveOneOutName = "rloo";

    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = new(
        "reinforce", parts => new ReinforceObjective(parts, BaselineKind.MovingAverage),
            config => MethodName(config.Reinforce.Baseline == BaselineKind.LeaveOneOut ? LeaveOneOutName : "reinforce", config))
    {
        Problem = OneAlone,
        Reads = Keys,
        MinimisesGameLoss = false,
        BenchmarkedStep = "one policy-gradient step of the generator, with --rollouts",
        IsBenchmarkedWithoutDiscriminator = true,
    };

    /// <summary>
    /// Leave-one-out REINFORCE (RLOO; Kool, van Hoof and Welling 2019, eq. 8): the same with the mean of the batch's other sequences as baseline. So
    /// it is reinforce with reinforce.baseline leave_one_out under a name of its own, which runs of either spelling are compared under.
    /// </summary>
    public static ObjectiveKind LeaveOneOutKind { get; } =
        new(LeaveOneOutName, parts => new ReinforceObjective(parts, BaselineKind.LeaveOneOut), config => MethodName(LeaveOneOutName, config))
        {
            Problem = config => config.Reinforce.Baseline is null or BaselineKind.LeaveOneOut
                ? OneAlone(config with { Reinforce = config.Reinforce with { Baseline = BaselineKind.LeaveOneOut } })
                : "reinforce.baseline must be leave_one_out with objective rloo, which is named after it; leave it out, or choose objective "
                    + "reinforce.",
            Reads = Keys,
            MinimisesGameLoss = false,
        };

    /// <summary>A game of these parts.</summary>
    /// <param name="parts">See <see cref="ScoreFunctionObjective"/>.</param>
    /// <param name="baseline">What is taken off where reinforce.baseline does not say it.</param>
    public ReinforceObjective(TrainingParts parts, BaselineKind baseline = BaselineKind.MovingAverage)
        : base(parts, baseline)
    {
    }

    /// <inheritdoc/>
    protected override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(GeneratedBatch generated, Tensor scores,
        Tensor advantages) => (PolicyLoss(generated, advantages), []);
}
