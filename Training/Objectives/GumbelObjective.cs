using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>The gradient of the discriminator's score, back through the relaxed samples.</summary>
public sealed class GumbelObjective(LstmGenerator generator, AdversarialLossKind loss, Relaxation relaxation) : IAdversarialObjective
{
    /// <inheritdoc/>
    public GeneratedBatch Generate(int batch, double temperature, RandomKey noise)
    {
        RelaxedSequences relaxed = generator.Relax(batch, temperature, relaxation, noise);
        return new GeneratedBatch(relaxed.Ids, relaxed.OneHots, relaxed.Mask);
    }

    /// <inheritdoc/>
    public Tensor DetachedScores(Discriminator discriminator, GeneratedBatch generated) =>
        discriminator.Score(generated.Relaxed!.detach(), generated.Mask.detach());

    /// <inheritdoc/>
    public (Tensor Loss, Tensor FakeScores) GeneratorLoss(Discriminator discriminator, GeneratedBatch generated, Tensor realScores)
    {
        Tensor scores = discriminator.Score(generated.Relaxed!, generated.Mask); // [B]
        return (AdversarialLoss.Generator(loss, realScores, scores), scores);
    }
}
