using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed unsafe class CrossEntropyKernelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(31)]
    [InlineData(5000)]
    [InlineData(5011)]
    public void Loss_and_gradient_equal_the_double_precision_definition(int columns)
    {
        var random = new RandomStream(new RandomKey((ulong)columns));
        for (int trial = 0; trial < 20; trial++)
        {
            float[] logits = Reference.Normal(random, columns, trial), gradient = new float[columns];
            int target = random.NextInt32(columns);
            double[] probabilities = Reference.Softmax([.. logits.Select(l => (double)l)], 1);
            double largest = logits.Max(), loss = Math.Log(logits.Sum(l => Math.Exp(l - largest))) + largest - logits[target];
            Assert.Equal(loss, CrossEntropyKernel.Loss(logits, target), 1e-6 * (1 + loss));
            Assert.Equal(loss, CrossEntropyKernel.LossAndGradient(logits, gradient, target, 0.25f), 1e-6 * (1 + loss));
            probabilities[target] -= 1;
            Reference.AssertClose([.. probabilities.Select(p => 0.25 * p)], gradient, relative: 5e-6, absolute: 2e-8);
            CrossEntropyKernel.LossAndGradient(logits, logits, target, 0.25f);
            Assert.Equal(gradient, logits);
        }
    }

    [Fact]
    public void Loss_of_logits_of_size_1e4_is_their_difference()
    {
        Assert.Equal(20_000f, CrossEntropyKernel.Loss([1e4f, -1e4f], 1));
        Assert.Equal(0f, CrossEntropyKernel.Loss([1e4f, -1e4f], 0));
    }

    [Fact]
    public void Batch_equals_rows_and_ignored_targets_give_zero_loss_and_gradient()
    {
        const int Rows = 13, Columns = 130;
        var random = new RandomStream(new RandomKey(3));
        float[] logits = Reference.Normal(random, Rows * Columns, 2), gradient = new float[logits.Length], losses = new float[Rows], alone = new float[Rows];
        long[] targets = [.. Enumerable.Range(0, Rows).Select(row => row % 4 == 1 ? 0L : 1 + random.NextInt32(Columns - 1))];
        using var parallel = new RowParallel(2);
        fixed (float* source = logits, destination = gradient, loss = losses, lossAlone = alone)
        fixed (long* target = targets)
        {
            CrossEntropyKernel.LossAndGradient(parallel, source, destination, target, loss, Rows, Columns, ignored: 0, scale: 2f);
            CrossEntropyKernel.Loss(parallel, source, target, lossAlone, Rows, Columns, ignored: 0);
        }

        float[] expected = new float[Columns];
        for (int row = 0; row < Rows; row++)
        {
            float[] found = gradient[(row * Columns)..((row + 1) * Columns)];
            if (targets[row] == 0)
            {
                Assert.Equal(0f, losses[row]);
                Assert.All(found, g => Assert.Equal(0f, g));
            }
            else
            {
                Assert.Equal(CrossEntropyKernel.LossAndGradient(logits.AsSpan(row * Columns, Columns), expected, (int)targets[row], 2f), losses[row]);
                Assert.Equal(expected, found);
            }

            Assert.Equal(losses[row], alone[row]);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    public void A_target_outside_the_vocabulary_is_refused(int target) =>
        Assert.Throws<ArgumentException>(() => CrossEntropyKernel.Loss(new float[4], target));
}
