using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// The gradient of the discriminator's score, back through the relaxed samples: fused where the generator allows it and no gradient penalty
/// needs the samples themselves, else composed.
/// </summary>
public sealed class GumbelObjective : IAdversarialObjective, IDisposable
{
    private readonly LstmGenerator _generator;
    private readonly Discriminator _discriminator;
    private readonly AdversarialOptions _options;
    private readonly FusedRollout? _rollout;
    private bool _isScored;

    /// <summary>An objective for <paramref name="generator"/> against <paramref name="discriminator"/>.</summary>
    /// <param name="generator">Learns.</param>
    /// <param name="discriminator">Judges.</param>
    /// <param name="options">The game.</param>
    /// <param name="isComposed">Use the composed roll-out even where the fused one could be used, to compare the two.</param>
    public GumbelObjective(LstmGenerator generator, Discriminator discriminator, AdversarialOptions options, bool isComposed = false)
    {
        (_generator, _discriminator, _options) = (generator, discriminator, options);
        if (!isComposed && FusedRollout.Supports(generator) && options.GradientPenalty == 0)
        {
            _rollout = new FusedRollout(generator, options.BatchSize, discriminator.Options.Embedding, RowParallel.Shared(get_num_threads()), discriminator.MinimumTime);
        }
    }

    /// <inheritdoc/>
    public GeneratedBatch Generate(int batch, double temperature, RandomKey noise)
    {
        if (_rollout is null)
        {
            RelaxedSequences relaxed = _generator.Relax(batch, temperature, _options.Relaxation, noise);
            return new GeneratedBatch(relaxed.Ids, relaxed.OneHots, relaxed.Mask);
        }

        RolledOutSequences sequences = _rollout.Generate(_discriminator.EmbeddingTable, temperature, _options.Relaxation, noise);
        _isScored = false;
        return new GeneratedBatch(sequences.Ids, null, sequences.Mask);
    }

    /// <inheritdoc/>
    public Tensor DetachedScores(Discriminator discriminator, GeneratedBatch generated) => _rollout is null
        ? discriminator.Score(generated.Relaxed!.detach(), generated.Mask.detach())
        : RolledOutScores(throughGenerator: false);

    /// <inheritdoc/>
    public (Tensor Loss, Tensor FakeScores) GeneratorLoss(Discriminator discriminator, GeneratedBatch generated, Tensor realScores)
    {
        Tensor scores = _rollout is null ? discriminator.Score(generated.Relaxed!, generated.Mask) : RolledOutScores(throughGenerator: true); // [B]
        return (AdversarialLoss.Generator(_options.Loss, realScores, scores), scores);
    }

    /// <inheritdoc/>
    public void Dispose() => _rollout?.Dispose();

    // Samples that were scored once are scored again only after the discriminator has moved, its embedding matrix with it.
    private Tensor RolledOutScores(bool throughGenerator)
    {
        Tensor embedded = _rollout!.Embedded(_discriminator.EmbeddingTable, throughGenerator, changed: _isScored); // [B, T', F]
        _isScored = true;
        return _discriminator.ScoreEmbedded(embedded, _rollout.Mask);
    }
}
