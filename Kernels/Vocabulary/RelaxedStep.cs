using GumbelGan.Randomness;

namespace GumbelGan.Kernels;

/// <summary>One step of a roll-out: what its forward and backward passes share.</summary>
public unsafe struct RelaxedStep
{
    /// <summary>h, [N, H].</summary>
    public float* Hidden { get; set; }

    /// <summary>N, the number of rows.</summary>
    public int Rows { get; set; }

    /// <summary>The temperature, above zero.</summary>
    public float Temperature { get; set; }

    /// <summary>The noise of this step; null for none.</summary>
    public RandomKey? Key { get; set; }

    /// <summary>[N]: the row of <see cref="GumbelNoise"/> that each row takes; null where row r takes row r.</summary>
    public int* RowNumbers { get; set; }

    /// <summary>What is added to all of these: the rows of earlier slices of the batch.</summary>
    public ulong FirstRow { get; set; }

    /// <summary>[N]: the forward pass writes each row's largest logit plus noise.</summary>
    public float* Maxima { get; set; }

    /// <summary>[N]: the forward pass writes each row's sum of exponentials.</summary>
    public float* Sums { get; set; }

    /// <summary>
    /// Memory of <see cref="RelaxedVocabulary.KeptLength"/> floats in which the forward pass leaves the relaxed rows for the later
    /// ones; or null, and those make them again from the noise: slower where memory is plentiful, possible where it is not.
    /// </summary>
    public float* Kept { get; set; }

    /// <summary>The row of <see cref="GumbelNoise"/> that <paramref name="row"/> takes.</summary>
    public readonly ulong NoiseRow(int row) => FirstRow + (ulong)(RowNumbers == null ? row : RowNumbers[row]);
}

/// <summary>What a backward pass is given and where it puts its results. Null means zero going in and not wanted coming out.</summary>
public unsafe struct RelaxedGradients
{
    /// <summary>[N, E]: the embedded rows of the forward pass - the soft ones, also under straight-through.</summary>
    public float* GeneratorInput { get; set; }

    /// <summary>[N, F]: likewise for the discriminator's embedding.</summary>
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
