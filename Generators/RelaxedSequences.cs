using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>A batch of relaxed samples, as the discriminator reads them.</summary>
/// <param name="OneHots">[B, T, V], rows on the simplex; after the end token exactly the padding id's one-hot, where the end is a mask.</param>
/// <param name="Ids">[B, T] of int64: the largest entry of each row, the token that a hard sample would show.</param>
/// <param name="Mask">
/// [B, T] of float32: 1 up to the end token, it included, and 0 after it; or the share of a place, see <see cref="Ending.Gradient"/>.
/// </param>
public sealed record RelaxedSequences(Tensor OneHots, Tensor Ids, Tensor Mask);
