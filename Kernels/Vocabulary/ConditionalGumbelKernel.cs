using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GumbelGan.Randomness;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// Relaxed samples softmax((logits + noise) / temperature) of one row, under the condition that logits + noise is largest at a given token. With E
/// standard exponential, p = softmax(logits) and Z its normaliser, logits + noise - ln Z is -ln E_token at the token, and ln p_j - ln(E_j + p_j
/// E_token) elsewhere. A draw costs as much as an unconditional one: two logarithms and one exponential a token.
/// </summary>
/// <remarks>Rows are those of <see cref="RelaxedRow"/>: [C], C a multiple of 64.</remarks>
public static unsafe class ConditionalGumbelKernel
{
    private const int BlockColumns = 16 * GumbelNoise.TileColumns;

    /// <summary>
    /// Computes ln p and p, which all draws of a row share. Both are set to zero at the token, so that one formula serves all columns.
    /// </summary>
    /// <param name="logits">[C].</param>
    /// <param name="token">The given token.</param>
    /// <param name="logarithms">[C], receives ln p.</param>
    /// <param name="probabilities">[C], receives p.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Prepare(ReadOnlySpan<float> logits, int token, Span<float> logarithms, Span<float> probabilities)
    {
        float total = RelaxedRowKernel.Exponentials(logits, 1, probabilities);
        fixed (float* l = logits, log = logarithms, p = probabilities)
        {
            Vector512<float> shift = Vector512.Create(RelaxedRowKernel.Largest(logits) + MathF.Log(total)), scale = Vector512.Create(1 / total);
            for (int column = 0; column < logits.Length; column += Lanes)
            {
                (Vector512.Load(l + column) - shift).Store(log + column);
                (Vector512.Load(p + column) * scale).Store(p + column);
            }
        }

        (logarithms[token], probabilities[token]) = (0, 0);
    }

    /// <summary>Makes one draw. The destination receives the unnormalised sample; the sum of its entries is returned.</summary>
    /// <param name="logarithms">[C], of <see cref="Prepare"/>.</param>
    /// <param name="probabilities">[C], of <see cref="Prepare"/>.</param>
    /// <param name="token">The given token.</param>
    /// <param name="temperature">Above zero.</param>
    /// <param name="key">Keys the draw.</param>
    /// <param name="row">The row, as <see cref="GumbelNoise"/> counts them.</param>
    /// <param name="destination">[C].</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exponentials(ReadOnlySpan<float> logarithms, ReadOnlySpan<float> probabilities, int token, float temperature, RandomKey key,
        ulong row, Span<float> destination)
    {
        float* block = stackalloc float[BlockColumns];
        GumbelNoise.FillExponential(key.Value, (ulong)(token / GumbelNoise.TileColumns), row, block, 1);
        Vector512<float> own = Vector512.Create(block[token % GumbelNoise.TileColumns]), largest = GumbelNoise.NegativeLogarithm(own);
        Vector512<float> rate = Vector512.Create(BinaryLogarithmOfE / temperature), sum = Vector512<float>.Zero;
        fixed (float* log = logarithms, p = probabilities, y = destination)
        {
            for (int start = 0; start < logarithms.Length; start += BlockColumns)
            {
                int columns = Math.Min(BlockColumns, logarithms.Length - start);
                GumbelNoise.FillExponential(key.Value, (ulong)(start / GumbelNoise.TileColumns), row, block, columns / GumbelNoise.TileColumns);
                for (int column = 0; column < columns; column += Lanes)
                {
                    Vector512<float> e = Vector512.FusedMultiplyAdd(own, Vector512.Load(p + start + column), Vector512.Load(block + column));
                    Vector512<float> perturbed = Vector512.Load(log + start + column) + GumbelNoise.NegativeLogarithm(e);
                    Vector512<float> exponential = PowerOfTwo((perturbed - largest) * rate);
                    exponential.Store(y + start + column);
                    sum += exponential;
                }
            }
        }

        return Sum(sum);
    }
}
