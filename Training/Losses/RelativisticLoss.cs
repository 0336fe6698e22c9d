using static TorchSharp.torch;

namespace GumbelGan.Training.Losses;

/// <summary>The relativistic standard GAN, paired (Jolicoeur-Martineau 2019); RelGAN's choice.</summary>
internal static class RelativisticLoss
{
    public static GameLoss Entry { get; } = new(
        "relativistic",
        (real, fake) => nn.functional.softplus(fake - real).mean(),
        (real, fake) => nn.functional.softplus(real - fake).mean())
    {
        GeneratorReadsRealScores = true,
    };
}
