using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>
/// What a score is worth: the sigmoid of sharpness times the standardised score, as a policy gradient's reward is the sigmoid of the score.
/// </summary>
/// <param name="Sharpness">0 gives the standardised score itself, which is the limit but for a factor; the larger, the more like a step.</param>
/// <param name="Centre">The score that is 0 when standardised.</param>
/// <param name="Width">How much more is 1.</param>
public sealed record Reward(double Sharpness, double Centre = 0, double Width = 1)
{
    /// <summary>The rewards of scores of any shape.</summary>
    public Tensor Of(Tensor scores)
    {
        Tensor standardised = (scores - Centre) / Width;
        return Sharpness == 0 ? standardised : (standardised * Sharpness).sigmoid();
    }
}
