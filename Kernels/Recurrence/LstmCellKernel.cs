using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// The elementwise part of an LSTM cell (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000) and its gradient. The caller
/// computes the matrix products.
/// </summary>
/// <remarks>
/// B batch, H hidden. A row of gates is [4H] in PyTorch's order: input i, forget f, candidate g, output o.
/// c' = f * c + i * g and h' = o * tanh(c'), with i, f, o logistic and g tanh of the pre-activations.
/// </remarks>
public static unsafe class LstmCellKernel
{
    /// <summary>One step of a batch of rows.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="gates">
    /// [B, 4H], in: W_ih x + W_hh h, with the biases where the next is null; out: the activated gates, for the backward pass.
    /// </param>
    /// <param name="bias">[4H], added to each row of pre-activations; or null.</param>
    /// <param name="cell">[B, H], c.</param>
    /// <param name="nextCell">[B, H], receives c'; may be <paramref name="cell"/> itself where no backward pass follows.</param>
    /// <param name="nextHidden">[B, H], receives h'.</param>
    /// <param name="batch">B.</param>
    /// <param name="hidden">H.</param>
    /// <exception cref="ArgumentOutOfRangeException">H is not positive.</exception>
    public static void Forward(
        RowParallel parallel, float* gates, float* bias, float* cell, float* nextCell, float* nextHidden, int batch, int hidden)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hidden);
        parallel.For(batch, RowParallel.RowsWorthSharing(10 * hidden), (first, end) =>
        {
            for (nint row = first; row < end; row++)
            {
                ForwardRow(gates + (row * 4 * hidden), bias, cell + (row * hidden), nextCell + (row * hidden), nextHidden + (row * hidden), hidden);
            }
        });
    }

    /// <summary>The gradient of one step of a batch of rows.</summary>
    /// <param name="parallel">The threads.</param>
    /// <param name="gates">[B, 4H], the activated gates that the forward pass left.</param>
    /// <param name="cell">[B, H], c, what the forward pass was given.</param>
    /// <param name="nextCell">[B, H], c', what it wrote.</param>
    /// <param name="hiddenGradient">[B, H], with respect to h'.</param>
    /// <param name="cellGradient">[B, H], in: with respect to c' as later steps use it; out: with respect to c.</param>
    /// <param name="gateGradient">[B, 4H], receives the gradient with respect to the pre-activations; may be <paramref name="gates"/> itself.</param>
    /// <param name="batch">B.</param>
    /// <param name="hidden">H.</param>
    /// <exception cref="ArgumentOutOfRangeException">H is not positive.</exception>
    public static void Backward(
        RowParallel parallel, float* gates, float* cell, float* nextCell, float* hiddenGradient, float* cellGradient, float* gateGradient,
        int batch, int hidden)
    {
        ArgumentNullException.ThrowIfNull(parallel);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hidden);
        parallel.For(batch, RowParallel.RowsWorthSharing(10 * hidden), (first, end) =>
        {
            for (nint row = first; row < end; row++)
            {
                nint offset = row * hidden;
                BackwardRow(gates + (4 * offset), cell + offset, nextCell + offset, hiddenGradient + offset, cellGradient + offset,
                    gateGradient + (4 * offset), hidden);
            }
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void ForwardRow(float* gates, float* bias, float* cell, float* nextCell, float* nextHidden, int hidden)
    {
        for (int unit = 0; unit < hidden; unit += Lanes)
        {
            int count = Math.Min(Lanes, hidden - unit);
            float* gate = gates + unit;
            Vector512<float> i = Load(gate, count), f = Load(gate + hidden, count), g = Load(gate + (2 * hidden), count),
                o = Load(gate + (3 * hidden), count);
            if (bias != null)
            {
                i += Load(bias + unit, count);
                f += Load(bias + unit + hidden, count);
                g += Load(bias + unit + (2 * hidden), count);
                o += Load(bias + unit + (3 * hidden), count);
            }

            i = Sigmoid(i);
            f = Sigmoid(f);
            g = HyperbolicTangent(g);
            o = Sigmoid(o);
            Vector512<float> c = Vector512.FusedMultiplyAdd(f, Load(cell + unit, count), i * g);
            Store(i, gate, count);
            Store(f, gate + hidden, count);
            Store(g, gate + (2 * hidden), count);
            Store(o, gate + (3 * hidden), count);
            Store(c, nextCell + unit, count);
            Store(o * HyperbolicTangent(c), nextHidden + unit, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void BackwardRow(
        float* gates, float* cell, float* nextCell, float* hiddenGradient, float* cellGradient, float* gateGradient, int hidden)
    {
        Vector512<float> one = Vector512<float>.One;
        for (int unit = 0; unit < hidden; unit += Lanes)
        {
            int count = Math.Min(Lanes, hidden - unit);
            float* gate = gates + unit, gradient = gateGradient + unit;
            Vector512<float> i = Load(gate, count), f = Load(gate + hidden, count), g = Load(gate + (2 * hidden), count),
                o = Load(gate + (3 * hidden), count);
            Vector512<float> dh = Load(hiddenGradient + unit, count);
            // Computed again, since a few dozen instructions are cheaper than another buffer [B, T, H].
            Vector512<float> tanh = HyperbolicTangent(Load(nextCell + unit, count));
            Vector512<float> dc = Vector512.FusedMultiplyAdd(dh * o, one - (tanh * tanh), Load(cellGradient + unit, count));
            Store(dc * g * i * (one - i), gradient, count);
            Store(dc * Load(cell + unit, count) * f * (one - f), gradient + hidden, count);
            Store(dc * i * (one - (g * g)), gradient + (2 * hidden), count);
            Store(dh * tanh * o * (one - o), gradient + (3 * hidden), count);
            Store(dc * f, cellGradient + unit, count);
        }
    }
}
