using GumbelGan.Randomness;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Primer;

/// <summary>A network with one hidden layer of rectified units, from inputs [N, I] to outputs [N, O].</summary>
/// <remarks>
/// Initial weights are drawn from the key, with the variance that keeps values about as large from layer to layer (He et al. 2015). They live as long
/// as the dispose scope that the network was made in.
/// </remarks>
internal sealed class Perceptron(RandomKey key, int inputs, int hidden, int outputs)
{
    /// <summary>What an optimizer changes: weight and bias of the hidden layer, weight and bias of the output.</summary>
    public IReadOnlyList<Parameter> Parameters { get; } =
    [
        new(Draw.Normal(key.Derive("hidden"), hidden, inputs) * Math.Sqrt(2.0 / inputs)), new(zeros(hidden)),
        new(Draw.Normal(key.Derive("output"), outputs, hidden) * Math.Sqrt(1.0 / hidden)), new(zeros(outputs)),
    ];

    /// <summary>[N, I] to [N, O].</summary>
    public Tensor Forward(Tensor values)
    {
        Tensor middle = nn.functional.linear(values, Parameters[0], Parameters[1]).relu(); // [N, H]
        return nn.functional.linear(middle, Parameters[2], Parameters[3]); // [N, O]
    }
}
