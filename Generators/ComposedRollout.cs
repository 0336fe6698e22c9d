using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>Roll-outs by <see cref="IGenerator.Relax"/>, in plain tensor operations: what the fused ones are held to.</summary>
internal sealed class ComposedRollout(IGenerator generator, int batch, Relaxation relaxation) : IRollout
{
    private RelaxedSequences? _last;

    /// <inheritdoc/>
    public RolledOutSequences Generate(Tensor discriminatorTable, double temperature, RandomKey noise)
    {
        _last = generator.Relax(batch, temperature, relaxation, noise);
        return new RolledOutSequences(_last.Ids, _last.Mask);
    }

    /// <inheritdoc/>
    public (Tensor Embedded, Tensor Mask) Embedded(Tensor discriminatorTable, bool throughGenerator)
    {
        Tensor oneHots = throughGenerator ? _last!.OneHots : _last!.OneHots.detach(); // [B, T, V]
        return (nn.functional.linear(oneHots, discriminatorTable.t()), throughGenerator ? _last.Mask : _last.Mask.detach()); // [B, T, F]
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
