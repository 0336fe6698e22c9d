using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Primer;

/// <summary>Random tensors from a key; Gumbel noise is drawn by <see cref="GumbelGan.Generators.GumbelSoftmax.Noise"/>.</summary>
internal static class Draw
{
    /// <summary>Standard normal numbers.</summary>
    public static Tensor Normal(RandomKey key, params long[] shape)
    {
        float[] values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        RandomFill.Normal(key, values);
        return tensor(values, shape);
    }
}
