using GumbelGan.Generators;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>
/// An exponential average of a generator's weights over the updates of a phase. That of n updates has shares proportional to decay^(n - i), which sum
/// to 1: the weights before the first update have no part in it.
/// </summary>
public sealed class WeightAverage : IDisposable
{
    /// <summary>What checkpoints call the averaged weights, and the number of updates that they are an average of.</summary>
    internal const string Name = "average", UpdatesName = "average_updates";

    private readonly FollowingGenerator _following;
    private readonly double _decay;

    private WeightAverage(IGenerator generator, double decay) => (_following, _decay) = (new FollowingGenerator(generator), decay);

    /// <summary>The average that a run keeps; null where adversarial.average_decay is 0.</summary>
    public static WeightAverage? Of(TrainingParts parts) => parts.Config.Adversarial.AverageDecay is var decay and > 0
        ? new WeightAverage(parts.Generator, decay) : null;

    /// <summary>How many updates it is an average of.</summary>
    public long Updates { get; set; }

    /// <summary>The generator with the averaged weights, once there are any.</summary>
    public IGenerator? Generator => Updates > 0 ? _following.Copy : null;

    /// <summary>Its weights, for checkpoints.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Tensors => _following.Tensors(Name);

    /// <summary>Takes the weights in, after an update.</summary>
    public void Follow()
    {
        Updates++;
        _following.Follow(1 - (1 - _decay) / (1 - Math.Pow(_decay, Updates)));
    }

    /// <inheritdoc/>
    public void Dispose() => _following.Dispose();
}
