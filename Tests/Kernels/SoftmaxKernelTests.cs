using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed unsafe class SoftmaxKernelTests
{
    [Fact]
    public void Exponentials_and_their_sum_equal_the_double_precision_softmax_for_any_width_in_place_or_not()
    {
        var random = new RandomStream(new RandomKey(5));
        foreach (int columns in new[] { 1, 2, 15, 16, 17, 30, 31, 33, 64, 100, 384, 1000, 1025, 5003 })
        {
            float[] logits = Reference.Normal(random, columns, 4), exponentials = new float[columns];
            double[] expected = Reference.Softmax([.. logits.Select(l => (double)l)], 0.9f);
            float sum;
            fixed (float* source = logits, destination = exponentials)
            {
                float largest = SoftmaxKernel.RowMaximum(source, columns);
                Assert.Equal(logits.Max(), largest);
                Assert.Equal(Array.IndexOf(logits, largest), SoftmaxKernel.IndexOf(source, columns, largest));
                sum = SoftmaxKernel.Exponentials(source, destination, columns, largest, VectorFunctions.BinaryLogarithmOfE / 0.9f);
                Assert.Equal(sum, SoftmaxKernel.Exponentials(source, source, columns, largest, VectorFunctions.BinaryLogarithmOfE / 0.9f));
            }

            Assert.Equal(exponentials, logits);
            Reference.AssertClose(expected, [.. exponentials.Select(e => e / sum)], relative: 2e-6, absolute: 1e-12);
        }
    }
}
