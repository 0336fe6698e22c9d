using GumbelGan.Discriminators;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>Generated sequences in the form that an objective trains on.</summary>
/// <param name="Ids">[B, T] of int64, padding after the end token.</param>
/// <param name="Relaxed">[B, T, V], the samples that carry the gradient; null where the objective learns from hard samples.</param>
/// <param name="Mask">[B, T] of float32: 1 for tokens, 0 after the end.</param>
public sealed record GeneratedBatch(Tensor Ids, Tensor? Relaxed, Tensor Mask)
{
    /// <summary>The key that the batch was drawn with, for whatever else an objective draws about it.</summary>
    public RandomKey Noise { get; init; }
}

/// <summary>How a generator learns from a discriminator: what it generates, and what it minimises. Knows the maths and not the loop.</summary>
public interface IAdversarialObjective
{
    /// <summary>Generates a batch, with whatever the loss will need for its gradient if gradients are on.</summary>
    /// <param name="batch">B.</param>
    /// <param name="temperature">Of the relaxation; ignored by objectives that have none.</param>
    /// <param name="noise">Keys the draws.</param>
    GeneratedBatch Generate(int batch, double temperature, RandomKey noise);

    /// <summary>The discriminator's view of a batch for its own update: scores through which no gradient reaches the generator.</summary>
    /// <returns>[B].</returns>
    Tensor DetachedScores(Discriminator discriminator, GeneratedBatch generated);

    /// <summary>What the generator minimises.</summary>
    /// <param name="discriminator">Frozen.</param>
    /// <param name="generated">From <see cref="Generate"/>, with gradients on.</param>
    /// <param name="realScores">[B], scores of real sequences, without a gradient.</param>
    /// <returns>The scalar loss and the scores [B] of the generated batch.</returns>
    (Tensor Loss, Tensor FakeScores) GeneratorLoss(Discriminator discriminator, GeneratedBatch generated, Tensor realScores);

    /// <summary>The moving average that the objective carries from step to step and a checkpoint must hold; null where there is none (yet).</summary>
    double? Baseline { get => null; set { } }

    /// <summary>A network that follows the generator and a checkpoint must hold; null where there is none.</summary>
    nn.Module? RollOutPolicy => null;

    /// <summary>What the last <see cref="GeneratorLoss"/> measured beside its loss, under TensorBoard tags.</summary>
    IReadOnlyList<(string Tag, double Value)> Measured => [];

    /// <summary>Called after each update of the generator.</summary>
    void AfterGeneratorUpdate()
    {
    }

    /// <summary>Called when a phase begins, perhaps with other weights in the generator.</summary>
    void BeforePhase()
    {
    }
}
