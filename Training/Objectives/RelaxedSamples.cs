using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// The relaxed samples of a game: roll-outs for the generator's updates, and others for the discriminator's where its batches have another size.
/// </summary>
internal sealed class RelaxedSamples : IDisposable
{
    private readonly int _batch;
    private readonly IRollout _rollout, _judged;

    /// <summary>Of these parts.</summary>
    public RelaxedSamples(TrainingParts parts)
    {
        AdversarialOptions options = parts.Config.Adversarial;
        _batch = parts.Ranks.Share(options.BatchSize);
        _rollout = RollOut(_batch);
        _judged = options.BatchOfDiscriminator == options.BatchSize ? _rollout : RollOut(parts.Ranks.Share(options.BatchOfDiscriminator));

        IRollout RollOut(int batch) =>
            parts.Generator.RollOut(batch, parts.Discriminator.Options.Embedding, parts.Discriminator.MinimumTime, options.Relaxation);
    }

    /// <summary>Rolls out a batch, see <see cref="IRollout.Generate"/>.</summary>
    public RolledOutSequences Generate(int batch, Tensor discriminatorTable, double temperature, RandomKey noise) =>
        Of(batch).Generate(discriminatorTable, temperature, noise);

    /// <summary>The last batch of that size, see <see cref="IRollout.Embedded"/>.</summary>
    public (Tensor Embedded, Tensor Mask) Embedded(long batch, Tensor discriminatorTable, bool throughGenerator) =>
        Of(batch).Embedded(discriminatorTable, throughGenerator);

    /// <inheritdoc/>
    public void Dispose()
    {
        _rollout.Dispose();
        _judged.Dispose();
    }

    private IRollout Of(long batch) => batch == _batch ? _rollout : _judged;
}
