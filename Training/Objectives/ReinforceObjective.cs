using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// REINFORCE (Williams 1992): the generator's own samples, each token made more likely by its return above a baseline. The loss is
/// sum over t of (return - baseline) * -log p(token t | before), averaged over the batch, so its gradient estimates minus the gradient of the
/// expected reward; the rewards come from <see cref="ReinforceRewards"/>.
/// </summary>
/// <remarks>
/// B batch, T time, V vocabulary. The default reward, the sigmoid of the discriminator's score, lies in [0, 1], with dense credit in [-1, 1];
/// a raw score is any number. The moving average of a step is that of earlier batches alone: one that holds the batch itself would bias the gradient.
/// </remarks>
public sealed class ReinforceObjective : AdversarialObjective
{
    private const string BaselineName = "baseline";
    private readonly IGenerator _generator;
    private readonly ReinforceOptions _options;
    private readonly ICollective _ranks;
    private readonly FollowingGenerator? _rollOutPolicy;
    private readonly ReinforceRewards _rewards;
    private double? _baseline;

    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = new("reinforce", parts => new ReinforceObjective(parts), MethodName)
    {
        Problem = config => config is { Reinforce.Baseline: BaselineKind.LeaveOneOut, Adversarial.BatchSize: 1 }
            ? "adversarial.batch_size must be at least 2 with reinforce.baseline leave_one_out, which averages over the other sequences."
            : null,
        BenchmarkedStep = "one policy-gradient step of the generator, with --rollouts",
        IsBenchmarkedWithoutDiscriminator = true,
    };

    /// <summary>A game of these parts; with roll-outs it makes the roll-out policy, a copy of the generator.</summary>
    /// <exception cref="ArgumentException">The generator starts from a noisy state, which its log-probabilities do not know.</exception>
    public ReinforceObjective(TrainingParts parts)
        : base(parts)
    {
        (IGenerator generator, ReinforceOptions options) = (parts.Generator, parts.Config.Reinforce);
        if (generator.Options.HasHiddenNoise)
        {
            throw new ArgumentException("REINFORCE needs the probability of a sample, which a noisy initial state hides.", nameof(parts));
        }

        (_generator, _options, _ranks) = (generator, options, parts.Ranks);
        if (options.Credit == CreditKind.RollOuts)
        {
            _rollOutPolicy = new FollowingGenerator(generator);
        }

        _rewards = new ReinforceRewards(options, _rollOutPolicy?.Copy);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> Tensors =>
        [.. base.Tensors, .. _rollOutPolicy?.Tensors("roll_out_policy") ?? []];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Numbers
    {
        get => _baseline is { } baseline ? new Dictionary<string, double>(base.Numbers) { [BaselineName] = baseline } : base.Numbers;
        set
        {
            base.Numbers = value;
            _baseline = value.TryGetValue(BaselineName, out double baseline) ? baseline : null;
        }
    }

    /// <summary>"reinforce", with its credit and its reward where they are not the defaults.</summary>
    private static string MethodName(RunConfig config)
    {
        string credit = config.Reinforce.Credit switch { CreditKind.RollOuts => "-rollouts", CreditKind.Dense => "-dense", _ => "" };
        string reward = config.Reinforce.Reward switch
        {
            RewardKind.Score => "-score",
            RewardKind.Constant => "-constant",
            RewardKind.Random => "-random",
            _ => "",
        };
        return Kind.Name + credit + reward;
    }

    /// <inheritdoc/>
    public override GeneratedBatch Generate(int batch, double temperature, RandomKey noise)
    {
        Tensor ids = _generator.Sample(batch, 1, noise); // [B, T]
        // [B, T]
        Tensor mask = _generator.Format.PaddingId is { } padding ? ids.ne(padding).to(ScalarType.Float32) : ones(ids.shape, device: ids.device);
        return new GeneratedBatch(ids, mask) { Noise = noise };
    }

    /// <inheritdoc/>
    public override (Tensor Embedded, Tensor Mask) Detached(GeneratedBatch generated) => (Discriminator.Embed(generated.Ids), generated.Mask);

    /// <inheritdoc/>
    public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) GeneratorLoss(GeneratedBatch generated, Tensor realScores)
    {
        (Tensor ids, Tensor mask) = (generated.Ids, generated.Mask);
        Tensor advantages;
        (string Tag, double Value)[] measured;
        using (no_grad())
        {
            Tensor scores = Discriminator.Score(ids); // [B]
            Tensor returns = _rewards.Returns(Discriminator, ids, mask, scores, generated.Noise); // [B, T]
            (advantages, measured) = Advantages(returns, mask); // [B, T]
        }

        if (_options.EntropyBonus == 0)
        {
            return (_generator.WeightedNegativeLogLikelihood(ids, advantages / ids.shape[0]), measured);
        }

        Tensor logProbabilities = _generator.Logits(ids).log_softmax(-1); // [B, T, V]
        Tensor taken = logProbabilities.gather(-1, ids.unsqueeze(-1)).squeeze(-1) * mask; // [B, T]
        Tensor entropy = -(logProbabilities.exp() * logProbabilities).sum(-1) * mask; // [B, T]
        return (-(advantages * taken).sum() / ids.shape[0]
            - _options.EntropyBonus * entropy.sum() / (_ranks.Sum(mask.sum()) / _ranks.Size), measured);
    }

    /// <inheritdoc/>
    public override void AfterGeneratorUpdate()
    {
        base.AfterGeneratorUpdate();
        _rollOutPolicy?.Follow(_options.RollOutLag);
    }

    /// <inheritdoc/>
    protected override void BeforePhase()
    {
        base.BeforePhase();
        _rollOutPolicy?.Follow(0);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _rollOutPolicy?.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>
    /// Returns less the baseline, 0 after the end; also moves the moving average. All means are over the whole batch, of all ranks.
    /// </summary>
    private (Tensor Advantages, (string Tag, double Value)[] Measured) Advantages(Tensor returns, Tensor mask)
    {
        Tensor tokens = _ranks.Sum(mask.sum());
        double mean = (_ranks.Sum((returns * mask).sum()) / tokens).item<float>();
        Tensor advantages = _options.Baseline switch
        {
            BaselineKind.MovingAverage => returns - (_baseline ?? 0),
            BaselineKind.LeaveOneOut => returns - MeanOfOthers(returns, mask),
            _ => returns,
        } * mask; // [B, T]
        (string Tag, double Value)[] measured = [("reward/mean", mean)];
        if (_options.Baseline == BaselineKind.MovingAverage)
        {
            measured = [.. measured, ("reward/baseline", _baseline ?? 0)];
            _baseline = _baseline is { } average ? _options.BaselineDecay * average + (1 - _options.BaselineDecay) * mean : mean;
        }

        if (_options.Whiten)
        {
            Tensor centred = (advantages - _ranks.Sum(advantages.sum()) / tokens) * mask; // [B, T]
            advantages = centred / ((_ranks.Sum(centred.square().sum()) / tokens).sqrt() + 1e-6);
        }

        return (advantages, measured);
    }

    // Where no other sequence reaches the place there is nothing to average, and the baseline is 0.
    private Tensor MeanOfOthers(Tensor returns, Tensor mask)
    {
        Tensor others = _ranks.Sum(mask.sum(0, true)) - mask; // [B, T]
        Tensor sum = _ranks.Sum((returns * mask).sum(0, true)) - returns * mask; // [B, T]
        return sum / others.clamp_min(1);
    }
}
