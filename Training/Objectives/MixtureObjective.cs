using GumbelGan.Randomness;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// Two estimates of one gradient from the same hard samples, added up: a relaxation's, which has little noise and a bias, and the score function's,
/// which has no bias and much noise. Learning begins with the one and ends with the other (<see cref="MixtureOptions"/>).
/// </summary>
/// <remarks>
/// B batch, R representations, T time. Both are of the expected reward: one differentiates the reward through the relaxed samples, the other weighs
/// log-probabilities by the reward above a baseline. So the bias of the sum is the relaxation's times its share.
/// </remarks>
public sealed class MixtureObjective : ScoreFunctionObjective
{
    private readonly MixtureOptions _options;
    private readonly Func<Tensor, Tensor> _reward;
    private readonly RelaxedSamples _samples;

    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = new("mixture", parts => new MixtureObjective(parts), MethodName)
    {
        Reads = [.. Keys, .. RelaxedSamples.Keys, "mixture"],
        MinimisesGameLoss = false,
        Problem = config =>
            !config.Adversarial.Relaxation.IsHard
                ? $"objective mixture rewards tokens, which adversarial.relaxation {config.Adversarial.Relaxation} does not draw; choose a hard one, "
                    + "for example straight_through."
            : RewardOf(config.Reinforce.Reward) is null
                ? "objective mixture differentiates its reward; reinforce.reward must be discriminator or score."
            : config.Reinforce.Credit == CreditKind.Dense
                ? "objective mixture differentiates the reward of the whole sequence; reinforce.credit must be sequence or roll_outs."
            : OneAlone(config),
    };

    /// <summary>A game of these parts.</summary>
    public MixtureObjective(TrainingParts parts)
        : base(parts, BaselineKind.Pooled)
    {
        _options = parts.Config.Mixture;
        _reward = RewardOf(parts.Config.Reinforce.Reward)!;
        _samples = new RelaxedSamples(parts);
    }

    /// <inheritdoc/>
    protected internal override bool IsRelaxed => true;

    /// <inheritdoc/>
    public override GeneratedBatch Generate(int batch, double temperature, RandomKey noise) =>
        Hard(_samples.Generate(batch, temperature, noise).Ids, noise);

    /// <inheritdoc/>
    public override (Tensor Embedded, Tensor Mask) Detached(GeneratedBatch generated) =>
        _samples.Embedded(generated.Ids.shape[0], throughGenerator: false);

    /// <inheritdoc/>
    protected override Tensor Score(GeneratedBatch generated)
    {
        (Tensor embedded, Tensor mask) = _samples.Embedded(generated.Ids.shape[0], throughGenerator: true);
        return Discriminator.ScoresEmbedded(embedded, mask).mean([1]); // [B], of [B, R]
    }

    /// <inheritdoc/>
    protected override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(GeneratedBatch generated, Tensor scores,
        Tensor advantages)
    {
        double share = _options.At(generated.Step, generated.Steps);
        Tensor loss = share * -_reward(scores).mean() + PolicyLoss(generated, advantages, 1 - share);
        return (loss, [("mixture/share", share)]);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _samples.Dispose();
        base.Dispose(disposing);
    }

    private static string MethodName(RunConfig config) => MethodName(Kind.Name + RelaxedSamples.MethodSuffix(config), config);
}
