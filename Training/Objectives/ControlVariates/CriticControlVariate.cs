using GumbelGan.Engine;
using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives.ControlVariates;

/// <summary>
/// A critic Q of the prefix, one number for every next token, as a control variate along the whole sequence (Cheng, Yan and Boots 2019,
/// "Trajectory-wise control variates"). Q = O tanh(S h + a) + d, h the generator's hidden state. It begins at zero.
/// </summary>
/// <remarks>
/// <para>
/// N places, V vocabulary, H hidden of the generator, K hidden units of its own. At a place let p be the probabilities of the next token, b the
/// token, A the advantage and m = Q_b - p . Q. The estimate is
/// </para>
/// <code>g = (A - Q_b - sum over later places s of m_s) (e_b - p) + p * (Q - p . Q).</code>
/// <para>
/// It is unbiased whatever Q is. The last term is the mean of Q_b (e_b - p) over b, exactly: the sum over all tokens, which a softmax makes cheap, so
/// that no relaxed sample is needed. And m_s has mean zero given the prefix of place s, of which the tokens at earlier places are part: its product
/// with their (e_b - p) has mean zero too. Where Q is the expected return, the bracket is zero, and all that is left of the variance is which
/// prefixes are visited; a control variate of one place alone (<see cref="RelaxedControlVariate"/>) leaves that of everything that comes later.
/// </para>
/// </remarks>
public sealed class CriticControlVariate : ControlVariate
{
    private readonly Linear state;
    private readonly Linear output;

    /// <summary>A critic that gives zero.</summary>
    public CriticControlVariate(ControlVariateParts parts)
        : base(nameof(CriticControlVariate))
    {
        long stateWidth = StateWidth(parts.Generator);
        state = nn.Linear(stateWidth, parts.Options.Hidden);
        output = nn.Linear(parts.Options.Hidden, parts.Generator.Format.Vocabulary);
        RegisterComponents();
        using IDisposable off = no_grad();
        float bound = 1 / MathF.Sqrt(stateWidth);
        RandomFill.Uniform(parts.Initialisation.Derive("state.weight"), -bound, bound, TensorMemory.Numbers(state.weight!));
        RandomFill.Uniform(parts.Initialisation.Derive("state.bias"), -bound, bound, TensorMemory.Numbers(state.bias!));
        output.weight!.zero_();
        output.bias!.zero_();
    }

    /// <inheritdoc/>
    public override bool DependsOnNoise => false;

    /// <inheritdoc/>
    public override Tensor LogitGradient(SampledPlaces places, Tensor advantages)
    {
        Tensor worth = output.call(state.call(places.Hidden).tanh()); // [N, V], Q
        Tensor mean = (places.Probabilities * worth).sum(-1, true), own = worth.gather(1, places.Tokens.unsqueeze(1)); // [N, 1]
        Tensor left = advantages - own.squeeze(1) - places.SumOfLater((own - mean).squeeze(1)); // [N]
        return left.unsqueeze(1) * (places.OneHots - places.Probabilities) + places.Probabilities * (worth - mean);
    }
}
