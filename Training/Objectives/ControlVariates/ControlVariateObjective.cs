using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives.ControlVariates;

/// <summary>
/// A score function with a learned control variate, place by place (<see cref="SampledPlaces"/>): unbiased whatever the control variate is, and the
/// less noisy the better that is. Returns and baseline are those of <see cref="ScoreFunctionObjective"/>.
/// </summary>
/// <remarks>B batch, T time, V vocabulary, N places.</remarks>
public sealed class ControlVariateObjective : ScoreFunctionObjective
{
    private const double Beta1 = 0.9;
    private readonly IGenerator _generator;
    private readonly RunConfig _config;
    private readonly ICollective _ranks;
    private readonly ControlVariate _control;
    private readonly ControlVariateUpdate _update;
    private readonly List<Tensor> _losses = [];

    /// <summary>A game of these parts.</summary>
    /// <param name="parts">See <see cref="ScoreFunctionObjective"/>.</param>
    /// <param name="make">Makes the control variate.</param>
    public ControlVariateObjective(TrainingParts parts, Func<ControlVariateParts, ControlVariate> make)
        : base(parts, BaselineKind.Pooled)
    {
        (_generator, _config, _ranks) = (parts.Generator, parts.Config, parts.Ranks);
        _control = make(new ControlVariateParts(parts.Generator, parts.Discriminator, RewardOf(_config.Reinforce.Reward), _config.ControlVariate,
            new RandomKey((ulong)_config.Seed).Derive("initialisation").Derive("control variate")));
        _control.to(parts.Generator.Device);
        _update = new ControlVariateUpdate(new Learner("control_variate", _control, _config.ControlVariate.LearningRate, Beta1), this, _config);
    }

    /// <summary>The kind of such games with one control variate.</summary>
    /// <param name="name">In configurations, and of the method.</param>
    /// <param name="make">Makes the control variate.</param>
    public static ObjectiveKind KindOf(string name, Func<ControlVariateParts, ControlVariate> make) =>
        new(name, parts => new ControlVariateObjective(parts, make), config => MethodName(name, config))
        {
            ControlVariate = make,
            Problem = OneAlone,
            Reads = [.. Keys, ConfigurationProperty.SnakeCase(nameof(RunConfig.ControlVariate))],
            MinimisesGameLoss = false,
        };

    /// <inheritdoc/>
    protected override IReadOnlyList<Update> FurtherUpdates => [_update];

    /// <summary>What the control variate is to make small: a mean over a step's generator updates, by the weights that it had in them.</summary>
    internal Tensor ControlLoss => stack(_losses).mean();

    /// <inheritdoc/>
    protected override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(GeneratedBatch generated, Tensor scores,
        Tensor advantages)
    {
        Tensor hidden = _generator.HiddenStates(generated.Ids), logits = _generator.LogitsOf(hidden); // [B, T, H], [B, T, V]
        var places = SampledPlaces.Of(generated.Ids, generated.Mask, hidden, logits, generated.Noise.Derive("control variate"));
        Tensor own = places.At(advantages), gradient = _control.LogitGradient(places, own); // [N], [N, V]
        if (_losses.Count == _config.Adversarial.GeneratorSteps)
        {
            _losses.Clear();
        }

        Tensor controlLoss = _ranks.PartOfTokenMean(ControlVariate.Loss(gradient), generated.Ids, _generator.Format.PaddingId);
        _losses.Add(controlLoss.MoveToOuterDisposeScope());
        // The gradient of this product is the gradient with respect to the logits, carried on.
        Tensor loss = -(gradient.detach() * places.At(logits)).sum() / generated.Ids.shape[0];
        if (_config.Reinforce.EntropyBonus > 0)
        {
            loss -= EntropyBonus(logits.log_softmax(-1), generated.Mask);
        }

        double with = gradient.detach().square().sum().item<float>(), without = (own.square() * places.ScoreLengths).sum().item<float>();
        return (loss, [("control_variate/saved", without > 0 ? 1 - with / without : 0), .. _control.Measured]);
    }

    /// <inheritdoc/>
    protected override void BeforePhase()
    {
        base.BeforePhase();
        _update.Learner.Renew(_config.ControlVariate.LearningRate, Beta1);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _control.Dispose();
    }
}
