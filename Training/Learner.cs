using GumbelGan.Training.Collectives;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Training;

/// <summary>A network that learns, and its optimizer, which a checkpoint holds under the learner's name.</summary>
/// <param name="name">For example "generator".</param>
/// <param name="module">The network; whoever made it disposes of it.</param>
/// <param name="learningRate">Step size of the first optimizer.</param>
/// <param name="beta1">Adam's first decay rate.</param>
/// <param name="weightDecay">The decay of its matrices, see <see cref="AdamOptimizer"/>.</param>
public sealed class Learner(string name, nn.Module module, double learningRate, double beta1, double weightDecay = 0) : IDisposable
{
    private readonly Parameter[] _parameters = [.. module.parameters()];
    private GradientExchange? _exchange;

    /// <summary>Its name in checkpoints and messages.</summary>
    public string Name => name;

    /// <summary>What learns.</summary>
    public nn.Module Module => module;

    /// <summary>How.</summary>
    public AdamOptimizer Optimizer { get; private set; } = new(module, learningRate, beta1, weightDecay);

    /// <summary>Whether every weight is a finite number.</summary>
    public bool IsFinite
    {
        get
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable off = no_grad();
            return _parameters.All(parameter => float.IsFinite(parameter.abs().max().item<float>()));
        }
    }

    /// <summary>What averages its gradients over the ranks; null where there is one.</summary>
    public GradientExchange? ExchangeWith(ICollective ranks) => ranks.Size == 1 ? null : _exchange ??= new GradientExchange(ranks);

    /// <summary>Begins anew with another optimizer, without moments; see <see cref="AdamOptimizer"/>.</summary>
    public void Renew(double rate, double beta, double decay = 0)
    {
        Optimizer.Dispose();
        Optimizer = new AdamOptimizer(module, rate, beta, decay);
    }

    /// <summary>Lets gradients reach the weights, or not.</summary>
    public void SetTrainable(bool trainable)
    {
        foreach (Parameter parameter in _parameters)
        {
            parameter.requires_grad = trainable;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Optimizer.Dispose();
}
