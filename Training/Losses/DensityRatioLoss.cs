using static TorchSharp.torch;

namespace GumbelGan.Training.Losses;

/// <summary>
/// Density-ratio estimation (Mohamed and Lakshminarayanan 2016; Kusner and Hernandez-Lobato 2016): the discriminator classifies as in Goodfellow et
/// al. (2014), so that its logit estimates log p(x) / q(x), and the generator lowers the mean of -log p / q: the reverse Kullback-Leibler divergence.
/// </summary>
internal static class DensityRatioLoss
{
    public static GameLoss Entry { get; } = new(
        "density_ratio",
        (real, fake) => nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean(),
        (_, fake) => -fake.mean())
    {
        Smoothed = GameLoss.SmoothedCrossEntropy,
    };
}
