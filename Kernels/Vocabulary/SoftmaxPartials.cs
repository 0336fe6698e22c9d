using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <summary>
/// The softmax of rows that are computed a piece at a time: each piece's maximum and its sum of exponentials relative to that, and how these merge
/// to those of the whole row (Milakov and Gimelshein 2018).
/// </summary>
/// <param name="pieces">P, the pieces of a row.</param>
/// <param name="rows">N, the most rows.</param>
internal sealed unsafe class SoftmaxPartials(int pieces, int rows) : IDisposable
{
    // [P, N] each.
    private readonly NativeBuffer _maxima = new((nint)pieces * rows), _sums = new((nint)pieces * rows), _weights = new((nint)pieces * rows);

    /// <summary>[P, N]: memory for the weights of <see cref="Merge"/>, for callers that need them only until the next rows.</summary>
    public float* Weights => _weights.Pointer;

    /// <summary>The index of a piece of a row in [P, N].</summary>
    public nint Index(int piece, int row) => ((nint)piece * rows) + row;

    /// <summary>Turns a piece of a row into its exponentials, relative to its largest value.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="row">The row.</param>
    /// <param name="values">[columns], overwritten by 2^((value - largest) * rate).</param>
    /// <param name="columns">The piece's columns.</param>
    /// <param name="largest">The largest value.</param>
    /// <param name="rate">The binary logarithm of e, divided by the temperature.</param>
    public void Exponentials(int piece, int row, float* values, int columns, float largest, float rate)
    {
        // A piece of forbidden tokens alone must give zeros, not the NaN of infinity minus infinity.
        float shift = largest > float.NegativeInfinity ? largest : 0f;
        nint index = Index(piece, row);
        _maxima.Pointer[index] = largest;
        _sums.Pointer[index] = SoftmaxKernel.Exponentials(values, values, columns, shift, rate);
    }

    /// <summary>A piece's sum of exponentials.</summary>
    public double Sum(int piece, int row) => _sums.Pointer[Index(piece, row)];

    /// <summary>Merges the pieces of a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="rate">That of <see cref="Exponentials"/>.</param>
    /// <param name="weights">
    /// [P, N], receives for this row the factors that make each piece's exponentials relative to the row's largest value.
    /// </param>
    /// <returns>The row's largest value, the sum of its exponentials relative to that, and the first piece that holds it.</returns>
    public (float Largest, double Sum, int Piece) Merge(int row, float rate, float* weights)
    {
        float* maxima = _maxima.Pointer, sums = _sums.Pointer;
        (float largest, int first) = Largest(row);
        double sum = 0;
        for (int piece = 0; piece < pieces; piece++)
        {
            nint index = Index(piece, row);
            float weight = PowerOfTwo(Vector512.Create((maxima[index] - largest) * rate))[0];
            weights[index] = weight;
            sum += sums[index] * (double)weight;
        }

        return (largest, sum, first);
    }

    /// <summary>Sets a piece's largest value, for a row whose exponentials are not computed.</summary>
    public void SetLargest(int piece, int row, float largest) => _maxima.Pointer[Index(piece, row)] = largest;

    /// <summary>A row's largest value, and the first piece that holds it.</summary>
    public (float Value, int Piece) Largest(int row)
    {
        float largest = float.NegativeInfinity;
        int first = 0;
        for (int piece = 0; piece < pieces; piece++)
        {
            float maximum = _maxima.Pointer[Index(piece, row)];
            if (maximum > largest)
            {
                (largest, first) = (maximum, piece);
            }
        }

        return (largest, first);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _maxima.Dispose();
        _sums.Dispose();
        _weights.Dispose();
    }
}
