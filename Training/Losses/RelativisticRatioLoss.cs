using static TorchSharp.torch;

namespace GumbelGan.Training.Losses;

/// <summary>
/// The discriminator of the relativistic standard GAN (Jolicoeur-Martineau 2019), whose scores are log density ratios up to a constant, with a
/// generator that raises the mean score, as <see cref="DensityRatioLoss"/> has it.
/// </summary>
internal static class RelativisticRatioLoss
{
    public static GameLoss Entry { get; } = new(
        "relativistic_ratio",
        (real, fake) => nn.functional.softplus(fake - real).mean(),
        (_, fake) => -fake.mean());
}
