using GumbelGan.Generators;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives.ControlVariates;

/// <summary>
/// A control variate c(prefix, relaxed token), place by place: REBAR's and RELAX's form, for sequences.
/// </summary>
/// <remarks>
/// <para>
/// B batch, T time, V vocabulary, H hidden, N places that hold tokens. At a place let l be the logits after the hard prefix, p = softmax(l), G
/// standard Gumbel noise, z = l + G, b = argmax z the token, A the return of the place less a baseline (any number whose expectation given prefix and
/// b does not depend on G otherwise), and c a function of the prefix and z. Two ways to write the gradient of E c(z) with respect to l are equal:
/// by reparameterisation, E c'(z) dz/dl with G fixed, dz/dl = 1; and by conditioning on b (Tucker et al. 2017, eq. 7),
/// E [c(z) (e_b - p) + c'(z) dz~/dl], where z~ is z as a function of l, b and noise E that is independent of b:
/// z~_b = ln Z - ln E_b, z~_j = ln Z + ln p_j - ln(E_j + p_j E_b), Z the sum of exp(l) (<see cref="GumbelSoftmax"/> has it in tensor operations).
/// Their difference has mean zero whatever c is, so
/// </para>
/// <code>g = (A - c(z)) (e_b - p) + c'(z) (dz/dl - dz~/dl)</code>
/// <para>
/// has the mean of A (e_b - p), which is the gradient of the expected return with respect to l, given the prefix. Only expectations matter, so z and
/// z~ may share their noise: here they are the same number, drawn given b. Differentiating z~ with E fixed, with w_j = exp(z_j - z_b), gives
/// dz_j/dl_k - dz~_j/dl_k = w_j (1[j = k] - p_k), and with q = c'(z)
/// </para>
/// <code>u = (A - c) e_b + w * q,   g = u - p sum(u).</code>
/// <para>
/// The generator's gradient is the sum over places of g dl/dtheta, l being the teacher-forced logits of the drawn sequences. It is unbiased term by
/// term: prefixes are hard and fixed at a place, what comes after is in A alone, and c must not read it, since what comes after changes with b.
/// </para>
/// </remarks>
public abstract class RelaxedControlVariate(string name) : ControlVariate(name)
{
    /// <summary>The temperature at which it reads relaxed samples.</summary>
    public abstract double Temperature { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Tag, double Value)> Measured => [("control_variate/temperature", Temperature)];

    /// <summary>c and its slope, both differentiable with respect to its own parameters. Nothing behind a place may enter them.</summary>
    /// <returns>[N], and [N, V]: the derivative with respect to <see cref="SampledPlaces.Perturbed"/>.</returns>
    public abstract (Tensor Value, Tensor Slope) Of(SampledPlaces places);

    /// <inheritdoc/>
    public sealed override Tensor LogitGradient(SampledPlaces places, Tensor advantages)
    {
        (Tensor value, Tensor slope) = Of(places); // [N], [N, V]
        return LogitGradient(places, advantages, value, slope);
    }

    /// <summary>g, of a given value and slope.</summary>
    /// <param name="places">Where.</param>
    /// <param name="advantages">[N], A.</param>
    /// <param name="value">[N], c(z).</param>
    /// <param name="slope">[N, V], c'(z).</param>
    /// <returns>[N, V].</returns>
    public static Tensor LogitGradient(SampledPlaces places, Tensor advantages, Tensor value, Tensor slope)
    {
        Tensor coupling = (places.Perturbed - places.Perturbed.gather(1, places.Tokens.unsqueeze(1))).exp(); // [N, V], w
        Tensor pull = coupling * slope + places.OneHots * (advantages - value).unsqueeze(1); // [N, V], u
        return pull - places.Probabilities * pull.sum(-1, true);
    }

    /// <summary>The derivative of a function of softmax(z / temperature) with respect to z.</summary>
    /// <param name="relaxed">[N, V], the softmax.</param>
    /// <param name="slope">[N, V], the derivative with respect to it.</param>
    /// <param name="temperature">A scalar.</param>
    protected static Tensor ThroughSoftmax(Tensor relaxed, Tensor slope, Tensor temperature) =>
        relaxed * (slope - (relaxed * slope).sum(-1, true)) / temperature;
}
