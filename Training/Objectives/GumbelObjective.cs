using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// The gradient of the discriminator's score, back through the relaxed samples: how they are rolled out is the generator's business.
/// </summary>
public sealed class GumbelObjective : AdversarialObjective
{
    private readonly AdversarialOptions _options;
    private readonly IRollout _rollout;

    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = new("gumbel", parts => new GumbelObjective(parts), MethodName);

    /// <summary>A game of these parts.</summary>
    public GumbelObjective(TrainingParts parts)
        : base(parts)
    {
        _options = parts.Config.Adversarial;
        _rollout = parts.Generator.RollOut(_options.BatchSize, Discriminator.Options.Embedding, Discriminator.MinimumTime, _options.Relaxation,
            keepsOneHots: _options.GradientPenalty > 0);
    }

    /// <inheritdoc/>
    protected override bool IsRelaxed => true;

    /// <summary>"gumbel", with its relaxation and its endings where they are not the defaults.</summary>
    private static string MethodName(RunConfig config) =>
        Kind.Name + config.Adversarial.Relaxation.MethodSuffix + (config.Generator.Ending == Ending.Gradient ? "-ending" : "");

    /// <inheritdoc/>
    public override GeneratedBatch Generate(int batch, double temperature, RandomKey noise)
    {
        RolledOutSequences sequences = _rollout.Generate(Discriminator.EmbeddingTable, temperature, noise);
        return new GeneratedBatch(sequences.Ids, sequences.OneHots, sequences.Mask);
    }

    /// <inheritdoc/>
    public override Tensor DetachedScores(GeneratedBatch generated) => Scores(throughGenerator: false);

    /// <inheritdoc/>
    public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) GeneratorLoss(GeneratedBatch generated, Tensor realScores) =>
        (_options.Loss.Generator(realScores, Scores(throughGenerator: true)), []);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _rollout.Dispose();
        base.Dispose(disposing);
    }

    private Tensor Scores(bool throughGenerator)
    {
        (Tensor embedded, Tensor mask) = _rollout.Embedded(Discriminator.EmbeddingTable, throughGenerator); // [B, T', F], [B, T']
        return Discriminator.ScoresEmbedded(embedded, mask); // [B, R]
    }
}
