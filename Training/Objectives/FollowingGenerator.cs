using GumbelGan.Generators;
using GumbelGan.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives;

/// <summary>A copy of a generator whose weights follow the generator's at a distance: a roll-out policy, or an average over training.</summary>
internal sealed class FollowingGenerator : IDisposable
{
    private readonly IGenerator _source;

    /// <summary>A copy of <paramref name="source"/> as it is now; it does not learn.</summary>
    public FollowingGenerator(IGenerator source)
    {
        (_source, Copy) = (source, source.Options.Create(source.Format, new RandomKey(0)));
        Copy.Module.to(source.Device);
        Copy.IsComposed = source.IsComposed;
        foreach ((string _, Parameter parameter) in Copy.Module.named_parameters())
        {
            parameter.requires_grad = false;
        }

        Follow(0);
    }

    /// <summary>The copy.</summary>
    public IGenerator Copy { get; }

    /// <summary>Moves every weight towards the generator's.</summary>
    /// <param name="kept">The share of its old weights that the copy keeps; 0 makes it equal.</param>
    public void Follow(double kept)
    {
        using IDisposable off = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (((string _, Parameter own), (string _, Parameter source)) in Copy.Module.named_parameters().Zip(_source.Module.named_parameters()))
        {
            own.copy_(kept == 0 ? source : own * kept + source * (1 - kept));
        }
    }

    /// <summary>Its weights, for checkpoints.</summary>
    /// <param name="name">What their names begin with.</param>
    public IReadOnlyList<(string Name, Tensor Value)> Tensors(string name) =>
        [.. Copy.Module.named_parameters().Select(named => ($"{name}.{named.name}", (Tensor)named.parameter))];

    /// <inheritdoc/>
    public void Dispose() => Copy.Dispose();
}
