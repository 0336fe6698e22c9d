using GumbelGan.Engine;
using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives.ControlVariates;

/// <summary>
/// RELAX's control variate (Grathwohl et al. 2018, section 3): a small network of the generator's hidden state h, which is all that the generator
/// knows of the prefix, and the relaxed token y = softmax(z / temperature), c = o . tanh(S h + W y + a) + d. Its slope with respect to z is written
/// out, so that the variance of the estimate can be differentiated once. The temperature is learned too. It begins at zero.
/// </summary>
/// <remarks>N places, V vocabulary, H hidden of the generator, K hidden units of its own.</remarks>
public sealed class RelaxControlVariate : RelaxedControlVariate
{
    // The temperature stays within e^-3 and e^3.
    private const double LargestLogarithm = 3;

    private readonly Linear state;
    private readonly Linear token;
    private readonly Linear output;
    private readonly Parameter logTemperature;

    /// <summary>A network that gives zero.</summary>
    public RelaxControlVariate(ControlVariateParts parts)
        : base(nameof(RelaxControlVariate))
    {
        (ControlVariateOptions options, long stateWidth) = (parts.Options, StateWidth(parts.Generator));
        state = nn.Linear(stateWidth, options.Hidden);
        token = nn.Linear(parts.Generator.Format.Vocabulary, options.Hidden, hasBias: false);
        output = nn.Linear(options.Hidden, 1);
        logTemperature = new Parameter(full(1, (float)Math.Log(options.Temperature)));
        RegisterComponents();
        using IDisposable off = no_grad();
        Draw(state.weight!, "state.weight", 1 / MathF.Sqrt(stateWidth));
        Draw(state.bias!, "state.bias", 1 / MathF.Sqrt(stateWidth));
        // A token's row is nearly one-hot: one weight of it counts, as in an embedding.
        Draw(token.weight!, "token.weight", 0.5f);
        output.weight!.zero_();
        output.bias!.zero_();

        void Draw(Tensor weights, string name, float bound) =>
            RandomFill.Uniform(parts.Initialisation.Derive(name), -bound, bound, TensorMemory.Numbers(weights));
    }

    /// <inheritdoc/>
    public override double Temperature => Math.Exp(Math.Clamp(logTemperature.item<float>(), -LargestLogarithm, LargestLogarithm));

    /// <inheritdoc/>
    public override (Tensor Value, Tensor Slope) Of(SampledPlaces places)
    {
        Tensor temperature = logTemperature.clamp(-LargestLogarithm, LargestLogarithm).exp(); // [1]
        Tensor relaxed = (places.Perturbed / temperature).softmax(-1); // [N, V]
        Tensor active = (state.call(places.Hidden) + token.call(relaxed)).tanh(); // [N, K]
        Tensor slope = (output.weight! * (1 - active.square())).mm(token.weight!); // [N, V], with respect to the relaxed token
        return (output.call(active).squeeze(1), ThroughSoftmax(relaxed, slope, temperature));
    }
}
