using GumbelGan.Discriminators;
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
    /// <summary>The keys that games with relaxed samples read and not every objective.</summary>
    public static readonly IReadOnlyList<string> Keys = ["adversarial.relaxation", "temperature", "generator.feedback", "generator.ending"];

    private readonly int _batch;
    private readonly Discriminator _discriminator;
    private readonly IRollout _rollout, _judged;

    /// <summary>Of these parts.</summary>
    public RelaxedSamples(TrainingParts parts)
    {
        AdversarialOptions options = parts.Config.Adversarial;
        (_batch, _discriminator) = (parts.Ranks.Share(options.BatchSize), parts.Discriminator);
        _rollout = RollOut(_batch);
        _judged = options.BatchOfDiscriminator == options.BatchSize ? _rollout : RollOut(parts.Ranks.Share(options.BatchOfDiscriminator));

        IRollout RollOut(int batch) =>
            parts.Generator.RollOut(batch, _discriminator.Options.Embedding, _discriminator.MinimumTime, options.Relaxation);
    }

    /// <summary>What the name of a method says of its relaxation and its endings, where they are not the defaults.</summary>
    public static string MethodSuffix(RunConfig config) =>
        config.Adversarial.Relaxation.MethodSuffix + (config.Generator.Ending == Ending.Gradient ? "-ending" : "");

    /// <summary>Rolls out a batch, see <see cref="IRollout.Generate"/>.</summary>
    public RolledOutSequences Generate(int batch, double temperature, RandomKey noise) =>
        Of(batch).Generate(_discriminator.EmbeddingTable, temperature, noise);

    /// <summary>The last batch of that size, see <see cref="IRollout.Embedded"/>.</summary>
    public (Tensor Embedded, Tensor Mask) Embedded(long batch, bool throughGenerator) =>
        Of(batch).Embedded(_discriminator.EmbeddingTable, throughGenerator);

    /// <inheritdoc/>
    public void Dispose()
    {
        _rollout.Dispose();
        _judged.Dispose();
    }

    private IRollout Of(long batch) => batch == _batch ? _rollout : _judged;
}
