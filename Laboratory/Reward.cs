using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>
/// The reward of a score: the sigmoid of the sharpness times the standardised score, (score - centre) / width. The policy gradient of training takes
/// the sigmoid of the score as its reward too.
/// </summary>
/// <param name="Sharpness">The larger, the more the reward is like a step; 0 gives the standardised score itself.</param>
/// <param name="Centre">The score that is 0 when standardised.</param>
/// <param name="Width">The difference of scores that is 1 when standardised.</param>
public sealed record Reward(double Sharpness, double Centre = 0, double Width = 1)
{
    /// <summary>The rewards of scores of any shape.</summary>
    public Tensor Of(Tensor scores)
    {
        Tensor standardised = (scores - Centre) / Width;
        return Sharpness == 0 ? standardised : (standardised * Sharpness).sigmoid();
    }
}
