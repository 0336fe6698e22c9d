using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static GumbelGan.Kernels.VectorFunctions;

namespace GumbelGan.Kernels;

// Long because each block of a product is written out for its own number of registers.
/// <summary>
/// Products of small dense matrices that lie in cache: C = A B or C += A B, one thread, every element summed over the depth in order with
/// fused multiply-adds, so that the result is the same however rows and columns are cut into blocks.
/// </summary>
/// <remarks>
/// Made for the skinny tiles of the fused roll-out (depth 32 to 64), where OpenBLAS spends a third of its time on packing: measured on one
/// core of a Zen 5 EPYC at 4.2 GHz (peak 268 GFLOP/s), [64, 32] x [32, 5000] in tiles runs at 255 GFLOP/s, OpenBLAS 0.3.21 at 158.
/// There is no blocking for the outer caches: the caller cuts a large depth into slices.
/// </remarks>
internal static unsafe partial class MatrixKernel
{
    /// <summary>C = A B, or C += A B.</summary>
    /// <param name="a">[rows, depth], element (r, k) at r * <paramref name="aRow"/> + k * <paramref name="aDepth"/>: A may be transposed.</param>
    /// <param name="aRow">Distance between A's rows.</param>
    /// <param name="aDepth">Distance between A's columns.</param>
    /// <param name="b">[depth, columns], columns contiguous.</param>
    /// <param name="bDepth">Distance between B's rows.</param>
    /// <param name="c">[rows, columns], columns contiguous.</param>
    /// <param name="cRow">Distance between C's rows.</param>
    /// <param name="rows">Rows of A and C.</param>
    /// <param name="columns">Columns of B and C.</param>
    /// <param name="depth">Columns of A, rows of B.</param>
    /// <param name="accumulate">Whether to add to what C holds.</param>
    public static void Multiply(
        float* a, nint aRow, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int rows, int columns, int depth, bool accumulate)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            MultiplyNarrow(a, aRow, aDepth, b, bDepth, c, cRow, rows, columns, depth, accumulate);
            return;
        }

        // The block sizes fill the 32 registers: 24 sums (6 x 4 or 12 x 2 vectors), the vectors of B, one broadcast of A.
        for (; columns >= 64; columns -= 64, b += 64, c += 64)
        {
            int row = 0;
            for (; row <= rows - 6; row += 6)
            {
                Block6x4(a + (row * aRow), aRow, aDepth, b, bDepth, c + (row * cRow), cRow, depth, accumulate);
            }

            if (row <= rows - 4)
            {
                Block4x4(a + (row * aRow), aRow, aDepth, b, bDepth, c + (row * cRow), cRow, depth, accumulate);
                row += 4;
            }

            if (row <= rows - 2)
            {
                Block2x4(a + (row * aRow), aRow, aDepth, b, bDepth, c + (row * cRow), cRow, depth, accumulate);
                row += 2;
            }

            for (nint part = 0; part < 64 && row < rows; part += Lanes)
            {
                BlockPart(a + (row * aRow), aRow, aDepth, b + part, bDepth, c + (row * cRow) + part, cRow, 1, Lanes, depth, accumulate);
            }
        }

        if (columns >= 32)
        {
            int row = 0;
            for (; row <= rows - 12; row += 12)
            {
                Block12x2(a + (row * aRow), aRow, aDepth, b, bDepth, c + (row * cRow), cRow, depth, accumulate);
            }

            for (; row <= rows - 4; row += 4)
            {
                Block4x2(a + (row * aRow), aRow, aDepth, b, bDepth, c + (row * cRow), cRow, depth, accumulate);
            }

            for (; row < rows; row++)
            {
                BlockPart(a + (row * aRow), aRow, aDepth, b, bDepth, c + (row * cRow), cRow, 1, Lanes, depth, accumulate);
                BlockPart(a + (row * aRow), aRow, aDepth, b + Lanes, bDepth, c + (row * cRow) + Lanes, cRow, 1, Lanes, depth, accumulate);
            }

            columns -= 32;
            b += 32;
            c += 32;
        }

        for (; columns > 0; columns -= Lanes, b += Lanes, c += Lanes)
        {
            for (int row = 0; row < rows; row += 4)
            {
                BlockPart(a + (row * aRow), aRow, aDepth, b, bDepth, c + (row * cRow), cRow, Math.Min(4, rows - row), Math.Min(columns, Lanes),
                    depth, accumulate);
            }
        }
    }

    /// <summary>
    /// C = A' B, or C += A' B, for many rows and a small depth: the part of A that a block of C's rows needs stays in the first-level cache.
    /// </summary>
    /// <param name="a">[depth, rows], rows contiguous.</param>
    /// <param name="aDepth">Distance between A's rows.</param>
    /// <param name="b">[depth, columns], columns contiguous.</param>
    /// <param name="bDepth">Distance between B's rows.</param>
    /// <param name="c">[rows, columns], columns contiguous.</param>
    /// <param name="cRow">Distance between C's rows.</param>
    /// <param name="rows">Rows of C.</param>
    /// <param name="columns">Columns of B and C.</param>
    /// <param name="depth">Rows of A and B.</param>
    /// <param name="accumulate">Whether to add to what C holds.</param>
    public static void MultiplyTransposed(float* a, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int rows, int columns, int depth,
        bool accumulate)
    {
        // 24 KB of A: half of a first-level cache.
        int rowsAtOnce = depth <= 64 ? 96 : 48;
        for (int row = 0; row < rows; row += rowsAtOnce)
        {
            Multiply(a + row, 1, aDepth, b, bDepth, c + (row * cRow), cRow, Math.Min(rowsAtOnce, rows - row), columns, depth, accumulate);
        }
    }

    /// <summary>Copies [rows, columns] as its transpose [columns, rows], padding each transposed row with zeros.</summary>
    /// <param name="source">[rows, columns], contiguous.</param>
    /// <param name="rows">Rows of the source.</param>
    /// <param name="columns">Columns of the source.</param>
    /// <param name="destination">[columns, paddedRows].</param>
    /// <param name="paddedRows">At least <paramref name="rows"/>.</param>
    public static void Transpose(float* source, int rows, int columns, float* destination, int paddedRows)
    {
        for (int column = 0; column < columns; column++)
        {
            float* target = destination + ((nint)column * paddedRows), origin = source + column;
            for (int row = 0; row < rows; row++, origin += columns)
            {
                target[row] = *origin;
            }

            new Span<float>(target + rows, paddedRows - rows).Clear();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block6x4(float* a, nint aRow, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero, c02 = Vector512<float>.Zero, c03 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero, c12 = Vector512<float>.Zero, c13 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero, c22 = Vector512<float>.Zero, c23 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero, c32 = Vector512<float>.Zero, c33 = Vector512<float>.Zero;
        Vector512<float> c40 = Vector512<float>.Zero, c41 = Vector512<float>.Zero, c42 = Vector512<float>.Zero, c43 = Vector512<float>.Zero;
        Vector512<float> c50 = Vector512<float>.Zero, c51 = Vector512<float>.Zero, c52 = Vector512<float>.Zero, c53 = Vector512<float>.Zero;
        if (accumulate)
        {
            (c00, c01, c02, c03) = Load4(c);
            (c10, c11, c12, c13) = Load4(c + cRow);
            (c20, c21, c22, c23) = Load4(c + (2 * cRow));
            (c30, c31, c32, c33) = Load4(c + (3 * cRow));
            (c40, c41, c42, c43) = Load4(c + (4 * cRow));
            (c50, c51, c52, c53) = Load4(c + (5 * cRow));
        }

        for (; depth > 0; depth--, a += aDepth, b += bDepth)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16), b2 = Vector512.Load(b + 32), b3 = Vector512.Load(b + 48);
            Vector512<float> a0 = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(a0, b1, c01);
            c02 = Vector512.FusedMultiplyAdd(a0, b2, c02);
            c03 = Vector512.FusedMultiplyAdd(a0, b3, c03);
            Vector512<float> a1 = Vector512.Create(a[aRow]);
            c10 = Vector512.FusedMultiplyAdd(a1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(a1, b1, c11);
            c12 = Vector512.FusedMultiplyAdd(a1, b2, c12);
            c13 = Vector512.FusedMultiplyAdd(a1, b3, c13);
            Vector512<float> a2 = Vector512.Create(a[2 * aRow]);
            c20 = Vector512.FusedMultiplyAdd(a2, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(a2, b1, c21);
            c22 = Vector512.FusedMultiplyAdd(a2, b2, c22);
            c23 = Vector512.FusedMultiplyAdd(a2, b3, c23);
            Vector512<float> a3 = Vector512.Create(a[3 * aRow]);
            c30 = Vector512.FusedMultiplyAdd(a3, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(a3, b1, c31);
            c32 = Vector512.FusedMultiplyAdd(a3, b2, c32);
            c33 = Vector512.FusedMultiplyAdd(a3, b3, c33);
            Vector512<float> a4 = Vector512.Create(a[4 * aRow]);
            c40 = Vector512.FusedMultiplyAdd(a4, b0, c40);
            c41 = Vector512.FusedMultiplyAdd(a4, b1, c41);
            c42 = Vector512.FusedMultiplyAdd(a4, b2, c42);
            c43 = Vector512.FusedMultiplyAdd(a4, b3, c43);
            Vector512<float> a5 = Vector512.Create(a[5 * aRow]);
            c50 = Vector512.FusedMultiplyAdd(a5, b0, c50);
            c51 = Vector512.FusedMultiplyAdd(a5, b1, c51);
            c52 = Vector512.FusedMultiplyAdd(a5, b2, c52);
            c53 = Vector512.FusedMultiplyAdd(a5, b3, c53);
        }

        c00.Store(c);
        c01.Store(c + 16);
        c02.Store(c + 32);
        c03.Store(c + 48);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
        c12.Store(c + cRow + 32);
        c13.Store(c + cRow + 48);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 16);
        c22.Store(c + (2 * cRow) + 32);
        c23.Store(c + (2 * cRow) + 48);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 16);
        c32.Store(c + (3 * cRow) + 32);
        c33.Store(c + (3 * cRow) + 48);
        c40.Store(c + (4 * cRow));
        c41.Store(c + (4 * cRow) + 16);
        c42.Store(c + (4 * cRow) + 32);
        c43.Store(c + (4 * cRow) + 48);
        c50.Store(c + (5 * cRow));
        c51.Store(c + (5 * cRow) + 16);
        c52.Store(c + (5 * cRow) + 32);
        c53.Store(c + (5 * cRow) + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block4x4(float* a, nint aRow, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero, c02 = Vector512<float>.Zero, c03 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero, c12 = Vector512<float>.Zero, c13 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero, c22 = Vector512<float>.Zero, c23 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero, c32 = Vector512<float>.Zero, c33 = Vector512<float>.Zero;
        if (accumulate)
        {
            (c00, c01, c02, c03) = Load4(c);
            (c10, c11, c12, c13) = Load4(c + cRow);
            (c20, c21, c22, c23) = Load4(c + (2 * cRow));
            (c30, c31, c32, c33) = Load4(c + (3 * cRow));
        }

        for (; depth > 0; depth--, a += aDepth, b += bDepth)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16), b2 = Vector512.Load(b + 32), b3 = Vector512.Load(b + 48);
            Vector512<float> a0 = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(a0, b1, c01);
            c02 = Vector512.FusedMultiplyAdd(a0, b2, c02);
            c03 = Vector512.FusedMultiplyAdd(a0, b3, c03);
            Vector512<float> a1 = Vector512.Create(a[aRow]);
            c10 = Vector512.FusedMultiplyAdd(a1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(a1, b1, c11);
            c12 = Vector512.FusedMultiplyAdd(a1, b2, c12);
            c13 = Vector512.FusedMultiplyAdd(a1, b3, c13);
            Vector512<float> a2 = Vector512.Create(a[2 * aRow]);
            c20 = Vector512.FusedMultiplyAdd(a2, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(a2, b1, c21);
            c22 = Vector512.FusedMultiplyAdd(a2, b2, c22);
            c23 = Vector512.FusedMultiplyAdd(a2, b3, c23);
            Vector512<float> a3 = Vector512.Create(a[3 * aRow]);
            c30 = Vector512.FusedMultiplyAdd(a3, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(a3, b1, c31);
            c32 = Vector512.FusedMultiplyAdd(a3, b2, c32);
            c33 = Vector512.FusedMultiplyAdd(a3, b3, c33);
        }

        c00.Store(c);
        c01.Store(c + 16);
        c02.Store(c + 32);
        c03.Store(c + 48);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
        c12.Store(c + cRow + 32);
        c13.Store(c + cRow + 48);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 16);
        c22.Store(c + (2 * cRow) + 32);
        c23.Store(c + (2 * cRow) + 48);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 16);
        c32.Store(c + (3 * cRow) + 32);
        c33.Store(c + (3 * cRow) + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block2x4(float* a, nint aRow, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero, c02 = Vector512<float>.Zero, c03 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero, c12 = Vector512<float>.Zero, c13 = Vector512<float>.Zero;
        if (accumulate)
        {
            (c00, c01, c02, c03) = Load4(c);
            (c10, c11, c12, c13) = Load4(c + cRow);
        }

        for (; depth > 0; depth--, a += aDepth, b += bDepth)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16), b2 = Vector512.Load(b + 32), b3 = Vector512.Load(b + 48);
            Vector512<float> a0 = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(a0, b1, c01);
            c02 = Vector512.FusedMultiplyAdd(a0, b2, c02);
            c03 = Vector512.FusedMultiplyAdd(a0, b3, c03);
            Vector512<float> a1 = Vector512.Create(a[aRow]);
            c10 = Vector512.FusedMultiplyAdd(a1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(a1, b1, c11);
            c12 = Vector512.FusedMultiplyAdd(a1, b2, c12);
            c13 = Vector512.FusedMultiplyAdd(a1, b3, c13);
        }

        c00.Store(c);
        c01.Store(c + 16);
        c02.Store(c + 32);
        c03.Store(c + 48);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
        c12.Store(c + cRow + 32);
        c13.Store(c + cRow + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block12x2(float* a, nint aRow, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero;
        Vector512<float> c40 = Vector512<float>.Zero, c41 = Vector512<float>.Zero;
        Vector512<float> c50 = Vector512<float>.Zero, c51 = Vector512<float>.Zero;
        Vector512<float> c60 = Vector512<float>.Zero, c61 = Vector512<float>.Zero;
        Vector512<float> c70 = Vector512<float>.Zero, c71 = Vector512<float>.Zero;
        Vector512<float> c80 = Vector512<float>.Zero, c81 = Vector512<float>.Zero;
        Vector512<float> c90 = Vector512<float>.Zero, c91 = Vector512<float>.Zero;
        Vector512<float> cA0 = Vector512<float>.Zero, cA1 = Vector512<float>.Zero;
        Vector512<float> cB0 = Vector512<float>.Zero, cB1 = Vector512<float>.Zero;
        if (accumulate)
        {
            (c00, c01) = Load2(c);
            (c10, c11) = Load2(c + cRow);
            (c20, c21) = Load2(c + (2 * cRow));
            (c30, c31) = Load2(c + (3 * cRow));
            (c40, c41) = Load2(c + (4 * cRow));
            (c50, c51) = Load2(c + (5 * cRow));
            (c60, c61) = Load2(c + (6 * cRow));
            (c70, c71) = Load2(c + (7 * cRow));
            (c80, c81) = Load2(c + (8 * cRow));
            (c90, c91) = Load2(c + (9 * cRow));
            (cA0, cA1) = Load2(c + (10 * cRow));
            (cB0, cB1) = Load2(c + (11 * cRow));
        }

        for (; depth > 0; depth--, a += aDepth, b += bDepth)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16);
            Vector512<float> a0 = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(a0, b1, c01);
            Vector512<float> a1 = Vector512.Create(a[aRow]);
            c10 = Vector512.FusedMultiplyAdd(a1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(a1, b1, c11);
            Vector512<float> a2 = Vector512.Create(a[2 * aRow]);
            c20 = Vector512.FusedMultiplyAdd(a2, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(a2, b1, c21);
            Vector512<float> a3 = Vector512.Create(a[3 * aRow]);
            c30 = Vector512.FusedMultiplyAdd(a3, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(a3, b1, c31);
            Vector512<float> a4 = Vector512.Create(a[4 * aRow]);
            c40 = Vector512.FusedMultiplyAdd(a4, b0, c40);
            c41 = Vector512.FusedMultiplyAdd(a4, b1, c41);
            Vector512<float> a5 = Vector512.Create(a[5 * aRow]);
            c50 = Vector512.FusedMultiplyAdd(a5, b0, c50);
            c51 = Vector512.FusedMultiplyAdd(a5, b1, c51);
            Vector512<float> a6 = Vector512.Create(a[6 * aRow]);
            c60 = Vector512.FusedMultiplyAdd(a6, b0, c60);
            c61 = Vector512.FusedMultiplyAdd(a6, b1, c61);
            Vector512<float> a7 = Vector512.Create(a[7 * aRow]);
            c70 = Vector512.FusedMultiplyAdd(a7, b0, c70);
            c71 = Vector512.FusedMultiplyAdd(a7, b1, c71);
            Vector512<float> a8 = Vector512.Create(a[8 * aRow]);
            c80 = Vector512.FusedMultiplyAdd(a8, b0, c80);
            c81 = Vector512.FusedMultiplyAdd(a8, b1, c81);
            Vector512<float> a9 = Vector512.Create(a[9 * aRow]);
            c90 = Vector512.FusedMultiplyAdd(a9, b0, c90);
            c91 = Vector512.FusedMultiplyAdd(a9, b1, c91);
            Vector512<float> aA = Vector512.Create(a[10 * aRow]);
            cA0 = Vector512.FusedMultiplyAdd(aA, b0, cA0);
            cA1 = Vector512.FusedMultiplyAdd(aA, b1, cA1);
            Vector512<float> aB = Vector512.Create(a[11 * aRow]);
            cB0 = Vector512.FusedMultiplyAdd(aB, b0, cB0);
            cB1 = Vector512.FusedMultiplyAdd(aB, b1, cB1);
        }

        c00.Store(c);
        c01.Store(c + 16);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 16);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 16);
        c40.Store(c + (4 * cRow));
        c41.Store(c + (4 * cRow) + 16);
        c50.Store(c + (5 * cRow));
        c51.Store(c + (5 * cRow) + 16);
        c60.Store(c + (6 * cRow));
        c61.Store(c + (6 * cRow) + 16);
        c70.Store(c + (7 * cRow));
        c71.Store(c + (7 * cRow) + 16);
        c80.Store(c + (8 * cRow));
        c81.Store(c + (8 * cRow) + 16);
        c90.Store(c + (9 * cRow));
        c91.Store(c + (9 * cRow) + 16);
        cA0.Store(c + (10 * cRow));
        cA1.Store(c + (10 * cRow) + 16);
        cB0.Store(c + (11 * cRow));
        cB1.Store(c + (11 * cRow) + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block4x2(float* a, nint aRow, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero;
        if (accumulate)
        {
            (c00, c01) = Load2(c);
            (c10, c11) = Load2(c + cRow);
            (c20, c21) = Load2(c + (2 * cRow));
            (c30, c31) = Load2(c + (3 * cRow));
        }

        for (; depth > 0; depth--, a += aDepth, b += bDepth)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16);
            Vector512<float> a0 = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(a0, b1, c01);
            Vector512<float> a1 = Vector512.Create(a[aRow]);
            c10 = Vector512.FusedMultiplyAdd(a1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(a1, b1, c11);
            Vector512<float> a2 = Vector512.Create(a[2 * aRow]);
            c20 = Vector512.FusedMultiplyAdd(a2, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(a2, b1, c21);
            Vector512<float> a3 = Vector512.Create(a[3 * aRow]);
            c30 = Vector512.FusedMultiplyAdd(a3, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(a3, b1, c31);
        }

        c00.Store(c);
        c01.Store(c + 16);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 16);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 16);
    }

    // Up to four rows of up to sixteen columns.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BlockPart(
        float* a, nint aRow, nint aDepth, float* b, nint bDepth, float* c, nint cRow, int rows, int columns, int depth, bool accumulate)
    {
        float* a1 = rows > 1 ? a + aRow : a, a2 = rows > 2 ? a + (2 * aRow) : a, a3 = rows > 3 ? a + (3 * aRow) : a;
        Vector512<float> c0 = Vector512<float>.Zero, c1 = c0, c2 = c0, c3 = c0;
        if (accumulate)
        {
            c0 = Load(c, columns);
            c1 = rows > 1 ? Load(c + cRow, columns) : c1;
            c2 = rows > 2 ? Load(c + (2 * cRow), columns) : c2;
            c3 = rows > 3 ? Load(c + (3 * cRow), columns) : c3;
        }

        for (nint k = 0; depth > 0; depth--, k += aDepth, b += bDepth)
        {
            Vector512<float> b0 = Load(b, columns);
            c0 = Vector512.FusedMultiplyAdd(Vector512.Create(a[k]), b0, c0);
            c1 = Vector512.FusedMultiplyAdd(Vector512.Create(a1[k]), b0, c1);
            c2 = Vector512.FusedMultiplyAdd(Vector512.Create(a2[k]), b0, c2);
            c3 = Vector512.FusedMultiplyAdd(Vector512.Create(a3[k]), b0, c3);
        }

        Store(c0, c, columns);
        if (rows > 1)
        {
            Store(c1, c + cRow, columns);
        }

        if (rows > 2)
        {
            Store(c2, c + (2 * cRow), columns);
        }

        if (rows > 3)
        {
            Store(c3, c + (3 * cRow), columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float>, Vector512<float>, Vector512<float>, Vector512<float>) Load4(float* c) =>
        (Vector512.Load(c), Vector512.Load(c + 16), Vector512.Load(c + 32), Vector512.Load(c + 48));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float>, Vector512<float>) Load2(float* c) =>
        (Vector512.Load(c), Vector512.Load(c + 16));
}
