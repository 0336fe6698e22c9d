using GumbelGan.Randomness;

namespace GumbelGan.Kernels;

/// <summary>One step of a roll-out, as its forward and backward passes share it.</summary>
/// <remarks>N rows, H hidden.</remarks>
public unsafe struct RelaxedStep
{
    /// <summary>h, [N, H].</summary>
    public float* Hidden { get; set; }

    /// <summary>N, the number of rows.</summary>
    public int Rows { get; set; }

    /// <summary>The temperature, above zero.</summary>
    public float Temperature { get; set; }

    /// <summary>Keys the Gumbel noise of this step; null for none.</summary>
    public RandomKey? Key { get; set; }

    /// <summary>[N]: the row of <see cref="GumbelNoise"/> that each row takes; null where row r takes row r.</summary>
    public int* RowNumbers { get; set; }

    /// <summary>Added to each of these numbers: how many rows earlier slices of the batch have.</summary>
    public ulong FirstRow { get; set; }

    /// <summary>[N]: the forward pass writes each row's largest logit plus noise.</summary>
    public float* Maxima { get; set; }

    /// <summary>[N]: the forward pass writes each row's sum of exponentials.</summary>
    public float* Sums { get; set; }

    /// <summary>
    /// Memory of <see cref="RelaxedVocabulary.KeptLength"/> floats in which the forward pass keeps the relaxed rows for the backward pass. Where it
    /// is null, the backward pass computes them again from the noise, which is slower and needs no memory.
    /// </summary>
    public float* Kept { get; set; }

    /// <summary>The row of <see cref="GumbelNoise"/> that <paramref name="row"/> takes.</summary>
    public readonly ulong NoiseRow(int row) => FirstRow + (ulong)(RowNumbers == null ? row : RowNumbers[row]);
}

/// <summary>The inputs and results of a backward pass. A null input stands for zeros, a null result is not wanted.</summary>
/// <remarks>N rows, V vocabulary, H hidden, E the generator's embedding width, F the discriminator's.</remarks>
public unsafe struct RelaxedGradients
{
    /// <summary>[N, E]: the relaxed rows embedded by the forward pass; those of the soft samples also under straight-through.</summary>
    public float* GeneratorInput { get; set; }

    /// <summary>[N, F]: the same by the discriminator's embedding.</summary>
    public float* DiscriminatorInput { get; set; }

    /// <summary>[N, E]: the gradient with respect to the generator's input.</summary>
    public float* GeneratorInputGradient { get; set; }

    /// <summary>[N, F]: the gradient with respect to the discriminator's input.</summary>
    public float* DiscriminatorInputGradient { get; set; }

    /// <summary>
    /// [N, H]: overwritten. Null where only the embeddings' gradients are wanted; then those of W and b are not made either.
    /// </summary>
    public float* Hidden { get; set; }

    /// <summary>[V, H]: added to.</summary>
    public float* Weight { get; set; }

    /// <summary>Whether another step's gradients will be added to the same W; what this step adds may then be left for that one to add.</summary>
    public bool HasMoreToCome { get; set; }

    /// <summary>[V]: added to.</summary>
    public float* Bias { get; set; }

    /// <summary>[V, E]: added to.</summary>
    public float* GeneratorEmbedding { get; set; }

    /// <summary>[V, F]: added to.</summary>
    public float* DiscriminatorEmbedding { get; set; }
}
