using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>Copies networks in double precision. They compute by plain tensor operations, since the fused passes are of single precision.</summary>
internal static class DoublePrecision
{
    /// <summary>A copy of a generator.</summary>
    public static LstmGenerator Copy(LstmGenerator generator)
    {
        var twin = new LstmGenerator(generator.Options, generator.Format, new RandomKey(0)) { IsComposed = true };
        CopyWeights(generator, twin);
        return twin.to(ScalarType.Float64);
    }

    /// <summary>A frozen copy of a discriminator of sequences of <paramref name="format"/>.</summary>
    public static Discriminator Copy(Discriminator discriminator, SequenceFormat format)
    {
        Discriminator twin = discriminator.Options.Create(format.Vocabulary, format.PaddingId, new RandomKey(0));
        CopyWeights(discriminator, twin);
        twin = twin.to(ScalarType.Float64);
        // A twice differentiable discriminator does not use the fused passes.
        twin.IsTwiceDifferentiable = true;
        twin.SetTrainable(false);
        return twin;
    }

    /// <summary>Copies the weights of <paramref name="source"/> into <paramref name="target"/>, a network of the same sizes.</summary>
    public static void CopyWeights(nn.Module source, nn.Module target)
    {
        using IDisposable off = no_grad();
        foreach (((string _, Tensor from), (string _, Tensor to)) in ModuleWeights.Named(source).Zip(ModuleWeights.Named(target)))
        {
            to.copy_(from);
        }
    }
}
