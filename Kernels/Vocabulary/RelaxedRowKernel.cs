using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// The operations of which a <see cref="RowGradient"/> is made. Rows are those of <see cref="RelaxedRow"/>: [C], C a multiple of 64.
/// </summary>
public static unsafe class RelaxedRowKernel
{
    /// <summary>The largest entry.</summary>
    public static float Largest(ReadOnlySpan<float> logits)
    {
        fixed (float* values = logits)
        {
            return SoftmaxKernel.RowMaximum(values, logits.Length);
        }
    }

    /// <summary>Writes the unnormalised softmax exp((logits - largest) / temperature), and returns its sum.</summary>
    /// <param name="logits">[C].</param>
    /// <param name="temperature">Above zero.</param>
    /// <param name="destination">[C].</param>
    public static float Exponentials(ReadOnlySpan<float> logits, float temperature, Span<float> destination)
    {
        fixed (float* values = logits, exponentials = destination)
        {
            float largest = SoftmaxKernel.RowMaximum(values, logits.Length);
            return SoftmaxKernel.Exponentials(values, exponentials, logits.Length, largest, BinaryLogarithmOfE / temperature);
        }
    }

    /// <summary>
    /// result += factor * p (g - p . g), with p = exponentials / total: a factor times the gradient with respect to the argument of a softmax, where
    /// g is that with respect to its value.
    /// </summary>
    /// <param name="exponentials">[C].</param>
    /// <param name="total">Their sum.</param>
    /// <param name="gradient">[C], g.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="result">[C], added to.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddSoftmaxGradient(
        ReadOnlySpan<float> exponentials, float total, ReadOnlySpan<float> gradient, float factor, Span<float> result)
    {
        fixed (float* e = exponentials, g = gradient, r = result)
        {
            Vector512<float> a = Vector512<float>.Zero, b = a;
            for (int column = 0; column < exponentials.Length; column += 2 * Lanes)
            {
                a = Vector512.FusedMultiplyAdd(Vector512.Load(e + column), Vector512.Load(g + column), a);
                b = Vector512.FusedMultiplyAdd(Vector512.Load(e + column + Lanes), Vector512.Load(g + column + Lanes), b);
            }

            Vector512<float> mean = Vector512.Create(Sum(a + b) / total), scale = Vector512.Create(factor / total);
            for (int column = 0; column < exponentials.Length; column += Lanes)
            {
                Vector512<float> centred = (Vector512.Load(g + column) - mean) * scale;
                Vector512.FusedMultiplyAdd(Vector512.Load(e + column), centred, Vector512.Load(r + column)).Store(r + column);
            }
        }
    }
}
