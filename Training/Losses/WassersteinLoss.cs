namespace GumbelGan.Training.Losses;

/// <summary>
/// The Wasserstein distance (Arjovsky et al. 2017), which needs a bounded slope: a gradient penalty (Gulrajani et al. 2017) or spectral normalisation
/// (Miyato et al. 2018).
/// </summary>
internal static class WassersteinLoss
{
    public static GameLoss Entry { get; } = new(
        "wasserstein",
        (real, fake) => fake.mean() - real.mean(),
        (_, fake) => -fake.mean())
    {
        NeedsGradientPenalty = true,
        HasFloor = false,
    };
}
