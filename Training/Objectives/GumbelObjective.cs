using GumbelGan.Generators;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// The gradient of the discriminator's score, back through the relaxed samples: fused where the generator allows it and no gradient penalty
/// needs the samples themselves, else composed.
/// </summary>
public sealed class GumbelObjective : AdversarialObjective
{
    private readonly LstmGenerator _generator;
    private readonly AdversarialOptions _options;
    private readonly FusedRollout? _rollout;
    private bool _isScored;

    /// <summary>In the catalogue.</summary>
    public static ObjectiveKind Kind { get; } = new("gumbel", parts => new GumbelObjective(parts), MethodName);

    /// <summary>A game of these parts.</summary>
    /// <param name="parts">Networks, corpus, options.</param>
    /// <param name="isComposed">Use the composed roll-out even where the fused one could be used, to compare the two.</param>
    public GumbelObjective(TrainingParts parts, bool isComposed = false)
        : base(parts)
    {
        (_generator, _options) = (parts.Generator, parts.Config.Adversarial);
        if (!isComposed && FusedRollout.Supports(_generator) && _options.GradientPenalty == 0)
        {
            _rollout = new FusedRollout(_generator, _options.BatchSize, Discriminator.Options.Embedding, RowParallel.Shared(get_num_threads()), Discriminator.MinimumTime);
        }
    }

    /// <inheritdoc/>
    protected override bool IsRelaxed => true;

    /// <summary>"gumbel", with what its samples look like on their way forward where that is not the default, soft.</summary>
    private static string MethodName(RunConfig config) => config.Adversarial.Relaxation == Relaxation.StraightThrough ? "gumbel-straight-through" : "gumbel";

    /// <inheritdoc/>
    public override GeneratedBatch Generate(int batch, double temperature, RandomKey noise)
    {
        if (_rollout is null)
        {
            RelaxedSequences relaxed = _generator.Relax(batch, temperature, _options.Relaxation, noise);
            return new GeneratedBatch(relaxed.Ids, relaxed.OneHots, relaxed.Mask);
        }

        RolledOutSequences sequences = _rollout.Generate(Discriminator.EmbeddingTable, temperature, _options.Relaxation, noise);
        _isScored = false;
        return new GeneratedBatch(sequences.Ids, null, sequences.Mask);
    }

    /// <inheritdoc/>
    public override Tensor DetachedScores(GeneratedBatch generated) => _rollout is null
        ? Discriminator.Score(generated.Relaxed!.detach(), generated.Mask.detach())
        : RolledOutScores(throughGenerator: false);

    /// <inheritdoc/>
    public override (Tensor Loss, IReadOnlyList<(string Tag, double Value)> Measured) GeneratorLoss(GeneratedBatch generated, Tensor realScores)
    {
        Tensor scores = _rollout is null ? Discriminator.Score(generated.Relaxed!, generated.Mask) : RolledOutScores(throughGenerator: true); // [B]
        return (_options.Loss.Generator(realScores, scores), []);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _rollout?.Dispose();
        base.Dispose(disposing);
    }

    // Samples that were scored once are scored again only after the discriminator has moved, its embedding matrix with it.
    private Tensor RolledOutScores(bool throughGenerator)
    {
        Tensor embedded = _rollout!.Embedded(Discriminator.EmbeddingTable, throughGenerator, changed: _isScored); // [B, T', F]
        _isScored = true;
        return Discriminator.ScoreEmbedded(embedded, _rollout.Mask);
    }
}
