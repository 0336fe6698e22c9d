using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>A batch of relaxed samples as ids.</summary>
/// <param name="Ids">[B, T] of int64: the largest entry of each row, padding after the end token.</param>
/// <param name="Mask">
/// [B, T] of float32: 1 up to the end token, it included, and 0 after it; or the share of a place, see <see cref="Ending.Gradient"/>.
/// </param>
public sealed record RolledOutSequences(Tensor Ids, Tensor Mask);

/// <summary>Roll-outs of relaxed samples, one at a time, that a discriminator sees multiplied by its embedding matrix.</summary>
/// <remarks>B batch, T time, V vocabulary, F the discriminator's embedding.</remarks>
public interface IRollout : IDisposable
{
    /// <summary>Rolls out a batch.</summary>
    /// <param name="discriminatorTable">[V, F].</param>
    /// <param name="temperature">Of the relaxation; positive.</param>
    /// <param name="noise">Keys the noise.</param>
    RolledOutSequences Generate(Tensor discriminatorTable, double temperature, RandomKey noise);

    /// <summary>The last roll-out, multiplied by the discriminator's embedding matrix.</summary>
    /// <param name="discriminatorTable">[V, F]; its values may have changed since <see cref="Generate"/>.</param>
    /// <param name="throughGenerator">Whether gradients reach the generator's weights.</param>
    /// <returns>[B, T', F] and the mask [B, T'], T' at most T.</returns>
    (Tensor Embedded, Tensor Mask) Embedded(Tensor discriminatorTable, bool throughGenerator);
}
