using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

/// <content>
/// The same products where vectors have eight floats and sixteen registers (AVX2): blocks of 6 x 2 vectors. Every element is summed in the same
/// order as with wide vectors, so that the bits do not depend on the machine.
/// </content>
internal static unsafe partial class MatrixKernel
{
    private const int NarrowColumns = 16;

    /// <summary><see cref="Multiply"/> on a processor without AVX-512.</summary>
    internal static void MultiplyNarrow(
        float* a, nint aRow, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int rows, int columns, int depth, bool accumulate)
    {
        for (; columns >= NarrowColumns; columns -= NarrowColumns, b += NarrowColumns, c += NarrowColumns)
        {
            int row = 0;
            for (; row <= rows - 6; row += 6)
            {
                Narrow6x2(a + (row * aRow), aRow, aDepth, b, bDepth, c + (row * cRow), cRow, depth, accumulate);
            }

            if (row <= rows - 4)
            {
                Narrow4x2(a + (row * aRow), aRow, aDepth, b, bDepth, c + (row * cRow), cRow, depth, accumulate);
                row += 4;
            }

            for (; row < rows; row++)
            {
                Narrow1x2(a + (row * aRow), aDepth, b, bDepth, c + (row * cRow), depth, accumulate);
            }
        }

        for (int row = 0; columns > 0 && row < rows; row += 4)
        {
            BlockPart(a + (row * aRow), aRow, aDepth, b, bDepth, c + (row * cRow), cRow, Math.Min(4, rows - row), Math.Min(columns, Lanes),
                depth, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow6x2(float* a, nint aRow, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector256<float> c00 = Vector256<float>.Zero, c01 = Vector256<float>.Zero;
        Vector256<float> c10 = Vector256<float>.Zero, c11 = Vector256<float>.Zero;
        Vector256<float> c20 = Vector256<float>.Zero, c21 = Vector256<float>.Zero;
        Vector256<float> c30 = Vector256<float>.Zero, c31 = Vector256<float>.Zero;
        Vector256<float> c40 = Vector256<float>.Zero, c41 = Vector256<float>.Zero;
        Vector256<float> c50 = Vector256<float>.Zero, c51 = Vector256<float>.Zero;
        if (accumulate)
        {
            c00 = Vector256.Load(c);
            c01 = Vector256.Load(c + 8);
            c10 = Vector256.Load(c + cRow);
            c11 = Vector256.Load(c + cRow + 8);
            c20 = Vector256.Load(c + (2 * cRow));
            c21 = Vector256.Load(c + (2 * cRow) + 8);
            c30 = Vector256.Load(c + (3 * cRow));
            c31 = Vector256.Load(c + (3 * cRow) + 8);
            c40 = Vector256.Load(c + (4 * cRow));
            c41 = Vector256.Load(c + (4 * cRow) + 8);
            c50 = Vector256.Load(c + (5 * cRow));
            c51 = Vector256.Load(c + (5 * cRow) + 8);
        }

        for (; depth > 0; depth--, a += aDepth, b += bDepth)
        {
            Vector256<float> b0 = Vector256.Load(b), b1 = Vector256.Load(b + 8);
            Vector256<float> a0 = Vector256.Create(a[0]);
            c00 = Vector256.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(a0, b1, c01);
            Vector256<float> a1 = Vector256.Create(a[aRow]);
            c10 = Vector256.FusedMultiplyAdd(a1, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(a1, b1, c11);
            Vector256<float> a2 = Vector256.Create(a[2 * aRow]);
            c20 = Vector256.FusedMultiplyAdd(a2, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(a2, b1, c21);
            Vector256<float> a3 = Vector256.Create(a[3 * aRow]);
            c30 = Vector256.FusedMultiplyAdd(a3, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(a3, b1, c31);
            Vector256<float> a4 = Vector256.Create(a[4 * aRow]);
            c40 = Vector256.FusedMultiplyAdd(a4, b0, c40);
            c41 = Vector256.FusedMultiplyAdd(a4, b1, c41);
            Vector256<float> a5 = Vector256.Create(a[5 * aRow]);
            c50 = Vector256.FusedMultiplyAdd(a5, b0, c50);
            c51 = Vector256.FusedMultiplyAdd(a5, b1, c51);
        }

        c00.Store(c);
        c01.Store(c + 8);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 8);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 8);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 8);
        c40.Store(c + (4 * cRow));
        c41.Store(c + (4 * cRow) + 8);
        c50.Store(c + (5 * cRow));
        c51.Store(c + (5 * cRow) + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow4x2(float* a, nint aRow, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector256<float> c00 = Vector256<float>.Zero, c01 = Vector256<float>.Zero;
        Vector256<float> c10 = Vector256<float>.Zero, c11 = Vector256<float>.Zero;
        Vector256<float> c20 = Vector256<float>.Zero, c21 = Vector256<float>.Zero;
        Vector256<float> c30 = Vector256<float>.Zero, c31 = Vector256<float>.Zero;
        if (accumulate)
        {
            c00 = Vector256.Load(c);
            c01 = Vector256.Load(c + 8);
            c10 = Vector256.Load(c + cRow);
            c11 = Vector256.Load(c + cRow + 8);
            c20 = Vector256.Load(c + (2 * cRow));
            c21 = Vector256.Load(c + (2 * cRow) + 8);
            c30 = Vector256.Load(c + (3 * cRow));
            c31 = Vector256.Load(c + (3 * cRow) + 8);
        }

        for (; depth > 0; depth--, a += aDepth, b += bDepth)
        {
            Vector256<float> b0 = Vector256.Load(b), b1 = Vector256.Load(b + 8);
            Vector256<float> a0 = Vector256.Create(a[0]);
            c00 = Vector256.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(a0, b1, c01);
            Vector256<float> a1 = Vector256.Create(a[aRow]);
            c10 = Vector256.FusedMultiplyAdd(a1, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(a1, b1, c11);
            Vector256<float> a2 = Vector256.Create(a[2 * aRow]);
            c20 = Vector256.FusedMultiplyAdd(a2, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(a2, b1, c21);
            Vector256<float> a3 = Vector256.Create(a[3 * aRow]);
            c30 = Vector256.FusedMultiplyAdd(a3, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(a3, b1, c31);
        }

        c00.Store(c);
        c01.Store(c + 8);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 8);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 8);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow1x2(float* a, nint aDepth, float* b, nint bDepth, float* c, int depth, bool accumulate)
    {
        Vector256<float> c00 = Vector256<float>.Zero, c01 = Vector256<float>.Zero;
        if (accumulate)
        {
            c00 = Vector256.Load(c);
            c01 = Vector256.Load(c + 8);
        }

        for (; depth > 0; depth--, a += aDepth, b += bDepth)
        {
            Vector256<float> b0 = Vector256.Load(b), b1 = Vector256.Load(b + 8);
            Vector256<float> a0 = Vector256.Create(a[0]);
            c00 = Vector256.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(a0, b1, c01);
        }

        c00.Store(c);
        c01.Store(c + 8);
    }
}
