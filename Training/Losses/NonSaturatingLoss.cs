using static TorchSharp.torch;

namespace GumbelGan.Training.Losses;

/// <summary>Goodfellow et al. (2014), with the generator maximising log D(fake).</summary>
internal static class NonSaturatingLoss
{
    public static GameLoss Entry { get; } = new(
        "non_saturating",
        (real, fake) => nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean(),
        (_, fake) => nn.functional.softplus(-fake).mean())
    {
        Smoothed = GameLoss.SmoothedCrossEntropy,
    };
}
