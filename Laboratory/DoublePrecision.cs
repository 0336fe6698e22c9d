using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>Copies of networks in double precision, which compute by plain tensor operations.</summary>
internal static class DoublePrecision
{
    /// <summary>A copy of a generator.</summary>
    public static LstmGenerator Of(LstmGenerator generator)
    {
        var twin = new LstmGenerator(generator.Options, generator.Format, new RandomKey(0)) { IsComposed = true };
        CopyWeights(generator, twin);
        return twin.to(ScalarType.Float64);
    }

    /// <summary>A frozen copy of a discriminator of sequences of <paramref name="format"/>.</summary>
    public static Discriminator Of(Discriminator discriminator, SequenceFormat format)
    {
        Discriminator twin = discriminator.Options.Create(format.Vocabulary, format.PaddingId, new RandomKey(0));
        CopyWeights(discriminator, twin);
        twin = twin.to(ScalarType.Float64);
        // What can be differentiated twice does not use the fused passes, which are of single precision.
        twin.IsTwiceDifferentiable = true;
        twin.SetTrainable(false);
        return twin;
    }

    /// <summary>Gives <paramref name="target"/> the weights of <paramref name="source"/>, a network of the same sizes.</summary>
    public static void CopyWeights(nn.Module source, nn.Module target)
    {
        using IDisposable off = no_grad();
        foreach (((string _, Tensor from), (string _, Tensor to)) in ModuleWeights.Named(source).Zip(ModuleWeights.Named(target)))
        {
            to.copy_(from);
        }
    }
}
