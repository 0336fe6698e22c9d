using GumbelGan.Training.Losses;

namespace GumbelGan.Tests.Extending;

/// <summary>Least squares (Mao et al. 2017): real scores are drawn to 1 and generated ones to 0, and the generator draws its own to 1.</summary>
public static class LeastSquaresLoss
{
    /// <summary>In the catalogue.</summary>
    public static GameLoss Entry { get; } = new(
        "least_squares",
        (real, fake) => ((real - 1).square().mean() + fake.square().mean()) / 2,
        (_, fake) => (fake - 1).square().mean() / 2);
}
