using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// A game in which the generator learns from its own hard samples by the score function: the return of each token comes from
/// <see cref="ReinforceRewards"/>, a baseline is taken off, and a kind of it makes a loss of what is left, whose gradient estimates minus the
/// gradient of the expected reward.
/// </summary>
/// <remarks>
/// B batch, T time, V vocabulary. The default reward, the sigmoid of the discriminator's score, lies in [0, 1], with dense credit in [-1, 1];
/// a raw score is any number. The moving average of a step is that of earlier batches alone: one that holds the batch itself would bias the gradient.
/// </remarks>
public abstract class ScoreFunctionObjective : AdversarialObjective
{
    /// <summary>The keys that every score function reads and not every objective.</summary>
    protected static readonly IReadOnlyList<string> Keys = [.. GameKeys, ConfigurationProperty.SnakeCase(nameof(RunConfig.Reinforce))];

    private const string BaselineName = "baseline";

    // Sequences that the moving average counts as, where it is pooled with the others of a batch.
    private const double PooledAverageWeight = 8;

    private readonly IGenerator _generator;
    private readonly ReinforceOptions _options;
    private readonly BaselineKind _baselineKind;
    private readonly ICollective _ranks;
    private readonly FollowingGenerator? _rollOutPolicy;
    private readonly ReinforceRewards _rewards;
    private double? _baseline;

    /// <summary>A game of these parts; with roll-outs it makes the roll-out policy, a copy of the generator.</summary>
    /// <param name="parts">Networks, real sequences, the run's rules.</param>
    /// <param name="baseline">What is taken off where reinforce.baseline does not say it.</param>
    /// <exception cref="ArgumentException">The generator starts from a noisy state, which its log-probabilities do not know.</exception>
    protected ScoreFunctionObjective(TrainingParts parts, BaselineKind baseline)
        : base(parts)
    {
        (IGenerator generator, ReinforceOptions options) = (parts.Generator, parts.Config.Reinforce);
        if (generator.Options.HasHiddenNoise)
        {
            throw new ArgumentException("A score function needs the probability of a sample, which a noisy initial state hides.", nameof(parts));
        }

        (_generator, _options, _baselineKind, _ranks) = (generator, options, options.Baseline ?? baseline, parts.Ranks);
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

    /// <summary>The name of a method with its credit and its reward where they are not the defaults.</summary>
    protected static string MethodName(string name, RunConfig config)
    {
        string credit = config.Reinforce.Credit switch { CreditKind.RollOuts => "-rollouts", CreditKind.Dense => "-dense", _ => "" };
        string reward = config.Reinforce.Reward switch
        {
            RewardKind.Score => "-score",
            RewardKind.Constant => "-constant",
            RewardKind.Random => "-random",
            _ => "",
        };
        return name + credit + reward;
    }

    /// <summary>What is wrong with a leave-one-out baseline that a configuration asks for; null where it does not, or nothing is.</summary>
    protected static string? OneAlone(RunConfig config) => config is { Reinforce.Baseline: BaselineKind.LeaveOneOut, Adversarial.BatchSize: 1 }
        ? "adversarial.batch_size must be at least 2 with a leave-one-out baseline, which averages over the other sequences." : null;

    /// <inheritdoc/>
    public override GeneratedBatch Generate(int batch, double temperature, RandomKey noise) => Hard(_generator.Sample(batch, 1, noise), noise);

    /// <inheritdoc/>
    public override (Tensor Embedded, Tensor Mask) Detached(GeneratedBatch generated) => (Discriminator.Embed(generated.Ids), generated.Mask);

    /// <inheritdoc/>
    public sealed override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) GeneratorLoss(GeneratedBatch generated,
        Tensor realScores)
    {
        (Tensor ids, Tensor mask) = (generated.Ids, generated.Mask);
        Tensor scores = Score(generated), advantages; // [B], [B, T]
        (string Tag, double Value)[] measured;
        using (no_grad())
        {
            Tensor returns = _rewards.Returns(Discriminator, ids, mask, scores.detach(), generated.Noise); // [B, T]
            (advantages, measured) = Advantages(returns, mask);
        }

        (Tensor loss, IReadOnlyList<(string Tag, double Value)> more) = Loss(generated, scores, advantages);
        return (loss, [.. measured, .. more]);
    }

    /// <summary>Hard samples as a batch.</summary>
    /// <param name="ids">[B, T] of int64, padding after the end token.</param>
    /// <param name="noise">What they were drawn with.</param>
    protected GeneratedBatch Hard(Tensor ids, RandomKey noise)
    {
        // [B, T]
        Tensor mask = _generator.Format.PaddingId is { } padding ? ids.ne(padding).to(ScalarType.Float32) : ones(ids.shape, device: ids.device);
        return new GeneratedBatch(ids, mask) { Noise = noise };
    }

    /// <summary>The discriminator's scores of a batch, [B]; without a gradient, unless a kind makes use of one.</summary>
    protected virtual Tensor Score(GeneratedBatch generated)
    {
        using IDisposable off = no_grad();
        return Discriminator.Score(generated.Ids);
    }

    /// <summary>What the generator minimises.</summary>
    /// <param name="generated">Hard samples, [B, T].</param>
    /// <param name="scores">[B], from <see cref="Score"/>.</param>
    /// <param name="advantages">[B, T], numbers: returns less the baseline, 0 after the end.</param>
    /// <returns>The scalar loss, and what was measured beside it.</returns>
    protected abstract (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) Loss(GeneratedBatch generated, Tensor scores,
        Tensor advantages);

    /// <summary>Each token made more likely by its advantage: sum over t of advantage * -log p(token t | before), averaged over the batch.</summary>
    /// <param name="generated">Hard samples, [B, T].</param>
    /// <param name="advantages">[B, T].</param>
    /// <param name="share">What that is multiplied by.</param>
    /// <returns>A scalar, less the bonus for entropy, of which nothing is taken away.</returns>
    protected Tensor PolicyLoss(GeneratedBatch generated, Tensor advantages, double share = 1)
    {
        (Tensor ids, Tensor mask) = (generated.Ids, generated.Mask);
        if (_options.EntropyBonus == 0)
        {
            return share * _generator.WeightedNegativeLogLikelihood(ids, advantages / ids.shape[0]);
        }

        Tensor logProbabilities = _generator.Logits(ids).log_softmax(-1); // [B, T, V]
        Tensor taken = logProbabilities.gather(-1, ids.unsqueeze(-1)).squeeze(-1) * mask; // [B, T]
        return -share * (advantages * taken).sum() / ids.shape[0] - EntropyBonus(logProbabilities, mask);
    }

    /// <summary>A reward as a smooth function of scores; null where it is none.</summary>
    protected static Func<Tensor, Tensor>? RewardOf(RewardKind reward) => reward switch
    {
        RewardKind.Discriminator => scores => scores.sigmoid(),
        RewardKind.Score => scores => scores,
        _ => null,
    };

    /// <summary>The weighted mean entropy of the next token, in nats, at the places that samples visit.</summary>
    /// <param name="logProbabilities">[B, T, V].</param>
    /// <param name="mask">[B, T].</param>
    protected Tensor EntropyBonus(Tensor logProbabilities, Tensor mask)
    {
        Tensor entropy = -(logProbabilities.exp() * logProbabilities).sum(-1) * mask; // [B, T]
        return _options.EntropyBonus * entropy.sum() / (_ranks.Sum(mask.sum()) / _ranks.Size);
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
        Tensor advantages = _baselineKind switch
        {
            BaselineKind.MovingAverage => returns - (_baseline ?? 0),
            BaselineKind.LeaveOneOut => returns - MeanOfOthers(returns, mask, 0, 0),
            BaselineKind.Pooled => returns - MeanOfOthers(returns, mask, _baseline ?? 0, _baseline is null ? 0 : PooledAverageWeight),
            _ => returns,
        } * mask; // [B, T]
        (string Tag, double Value)[] measured = [("reward/mean", mean)];
        if (_baselineKind is BaselineKind.MovingAverage or BaselineKind.Pooled)
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

    // Where no other sequence reaches the place there is nothing to average but what is known beforehand, and without that the baseline is 0.
    private Tensor MeanOfOthers(Tensor returns, Tensor mask, double known, double weight)
    {
        Tensor others = _ranks.Sum(mask.sum(0, true)) - mask; // [B, T]
        Tensor sum = _ranks.Sum((returns * mask).sum(0, true)) - returns * mask; // [B, T]
        return weight > 0 ? (sum + known * weight) / (others + weight) : sum / others.clamp_min(1);
    }
}
