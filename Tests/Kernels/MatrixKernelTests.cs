using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed unsafe class MatrixKernelTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Products_of_random_shapes_strides_and_transposes_equal_the_double_precision_ones_and_touch_nothing_beyond(bool narrow)
    {
        var random = new RandomStream(new RandomKey(1));
        for (int trial = 0; trial < 400; trial++)
        {
            int rows = 1 + random.NextInt32(40), columns = 1 + random.NextInt32(150), depth = 1 + random.NextInt32(70);
            int bDepth = columns + random.NextInt32(5), cRow = columns + random.NextInt32(5);
            bool transposed = random.NextInt32(2) == 0, accumulate = random.NextInt32(2) == 0;
            int aRow = transposed ? 1 : depth + random.NextInt32(3), aDepth = transposed ? rows + random.NextInt32(3) : 1;
            float[] a = Reference.Normal(random, (rows * aRow) + (depth * aDepth), 1), b = Reference.Normal(random, depth * bDepth, 1);
            float[] c = Reference.Normal(random, rows * cRow, 1), before = [.. c];
            fixed (float* left = a, right = b, product = c)
            {
                if (narrow)
                {
                    MatrixKernel.MultiplyNarrow(left, aRow, aDepth, right, bDepth, product, cRow, rows, columns, depth, accumulate);
                }
                else
                {
                    MatrixKernel.Multiply(left, aRow, aDepth, right, bDepth, product, cRow, rows, columns, depth, accumulate);
                }
            }

            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < cRow; column++)
                {
                    double expected = column < columns && !accumulate ? 0 : before[(row * cRow) + column];
                    for (int k = 0; k < depth && column < columns; k++)
                    {
                        expected += (double)a[(row * aRow) + (k * aDepth)] * b[(k * bDepth) + column];
                    }

                    Assert.Equal(expected, c[(row * cRow) + column], 1e-6 * (4 + depth));
                }
            }
        }
    }

    [Fact]
    public void An_element_has_the_same_bits_in_every_block_that_may_hold_it()
    {
        var random = new RandomStream(new RandomKey(2));
        const int Rows = 29, Columns = 123, Depth = 37;
        float[] a = Reference.Normal(random, Rows * Depth, 1), b = Reference.Normal(random, Depth * Columns, 1);
        float[] whole = new float[Rows * Columns], pieces = new float[Rows * Columns];
        fixed (float* left = a, right = b, product = whole, parts = pieces)
        {
            MatrixKernel.Multiply(left, Depth, 1, right, Columns, product, Columns, Rows, Columns, Depth, accumulate: false);
            for (int row = 0; row < Rows; row += 5)
            {
                for (int column = 0; column < Columns; column += 33)
                {
                    MatrixKernel.Multiply(left + (row * Depth), Depth, 1, right + column, Columns, parts + (row * Columns) + column, Columns,
                        Math.Min(5, Rows - row), Math.Min(33, Columns - column), Depth, accumulate: false);
                }
            }

            Assert.Equal(whole, pieces);
            MatrixKernel.MultiplyNarrow(left, Depth, 1, right, Columns, parts, Columns, Rows, Columns, Depth, accumulate: false);
        }

        Assert.Equal(whole, pieces);
    }

    [Fact]
    public void Transpose_pads_with_zeros()
    {
        float[] source = [1, 2, 3, 4, 5, 6], destination = new float[12];
        Array.Fill(destination, 9f);
        fixed (float* from = source, to = destination)
        {
            MatrixKernel.Transpose(from, 2, 3, to, 4);
        }

        Assert.Equal([1, 4, 0, 0, 2, 5, 0, 0, 3, 6, 0, 0], destination);
    }
}
