using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// The gradient of the discriminator's score, back through the relaxed samples: how they are rolled out is the generator's business.
/// </summary>
public sealed class GumbelObjective : AdversarialObjective
{
    private readonly AdversarialOptions _options;
    private readonly int _batch;
    // The roll-outs for the generator's updates, and those for the discriminator's: the same object unless the batches have different sizes.
    private readonly IRollout _rollout, _judged;

    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = new("gumbel", parts => new GumbelObjective(parts), MethodName)
    {
        BenchmarkName = "iteration",
        BenchmarkedStep = "one adversarial iteration",
    };

    /// <summary>A game of these parts.</summary>
    public GumbelObjective(TrainingParts parts)
        : base(parts)
    {
        _options = parts.Config.Adversarial;
        _batch = parts.Ranks.Share(_options.BatchSize);
        _rollout = RollOut(_batch);
        _judged = _options.BatchOfDiscriminator == _options.BatchSize ? _rollout : RollOut(parts.Ranks.Share(_options.BatchOfDiscriminator));

        IRollout RollOut(int batch) =>
            parts.Generator.RollOut(batch, Discriminator.Options.Embedding, Discriminator.MinimumTime, _options.Relaxation);
    }

    /// <inheritdoc/>
    protected override bool IsRelaxed => true;

    /// <summary>"gumbel", with its relaxation and its endings where they are not the defaults.</summary>
    private static string MethodName(RunConfig config) =>
        Kind.Name + config.Adversarial.Relaxation.MethodSuffix + (config.Generator.Ending == Ending.Gradient ? "-ending" : "");

    /// <inheritdoc/>
    public override GeneratedBatch Generate(int batch, double temperature, RandomKey noise)
    {
        RolledOutSequences sequences = Of(batch).Generate(Discriminator.EmbeddingTable, temperature, noise);
        return new GeneratedBatch(sequences.Ids, sequences.Mask);
    }

    /// <inheritdoc/>
    public override (Tensor Embedded, Tensor Mask) Detached(GeneratedBatch generated) =>
        Of(generated.Ids.shape[0]).Embedded(Discriminator.EmbeddingTable, throughGenerator: false);

    /// <inheritdoc/>
    public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) GeneratorLoss(GeneratedBatch generated, Tensor realScores)
    {
        (Tensor embedded, Tensor mask) = _rollout.Embedded(Discriminator.EmbeddingTable, throughGenerator: true); // [B, T', F], [B, T']
        return (_options.Loss.Generator(realScores, Discriminator.ScoresEmbedded(embedded, mask)), []);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _rollout.Dispose();
        _judged.Dispose();
        base.Dispose(disposing);
    }

    private IRollout Of(long batch) => batch == _batch ? _rollout : _judged;
}
