namespace GumbelGan.Training.Losses;

/// <summary>The hinge loss (Lim and Ye 2017; Miyato et al. 2018).</summary>
internal static class HingeLoss
{
    public static GameLoss Entry { get; } = new(
        "hinge",
        (real, fake) => (1 - real).relu().mean() + (1 + fake).relu().mean(),
        (_, fake) => -fake.mean());
}
