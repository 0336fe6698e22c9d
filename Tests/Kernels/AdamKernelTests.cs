using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed class AdamKernelTests
{
    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(16, 0, 1)]
    [InlineData(37, 0.01, 0.3)]
    [InlineData(1000, 0, 0.5)]
    public void Fifty_steps_equal_adam_in_double_precision(int length, double weightDecay, double scale)
    {
        var random = new RandomStream(new RandomKey((ulong)length));
        float[] parameters = Reference.Normal(random, length, 1), means = new float[length], squares = new float[length];
        double[] p = [.. parameters.Select(x => (double)x)], m = new double[length], v = new double[length];
        var settings = new AdamSettings(LearningRate: 0.01, Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, WeightDecay: weightDecay);
        for (int step = 1; step <= 50; step++)
        {
            float[] gradients = Reference.Normal(random, length, step % 7 == 0 ? 1e-4 : 1);
            AdamKernel.Step(parameters, gradients, means, squares, step, settings, scale);
            for (int i = 0; i < length; i++)
            {
                double g = (gradients[i] * scale) + (weightDecay * p[i]);
                m[i] = (0.9 * m[i]) + (0.1 * g);
                v[i] = (0.99 * v[i]) + (0.01 * g * g);
                p[i] -= 0.01 / (1 - Math.Pow(0.9, step)) * m[i] / (Math.Sqrt(v[i]) / Math.Sqrt(1 - Math.Pow(0.99, step)) + 1e-8);
            }
        }

        Reference.AssertClose(p, parameters, relative: 1e-6, absolute: 3e-6);
    }

    [Fact]
    public void Steps_equal_those_of_torch_optim_Adam()
    {
        // torch 1.13: p=tensor([1.,-2.,.5]); grads [.1,-.2,3.], [.3,.3,-1.]; Adam([p], lr=.1, betas=(.5,.9)) as printed by it.
        float[] parameters = [1f, -2f, 0.5f], means = new float[3], squares = new float[3];
        var settings = new AdamSettings(0.1, 0.5, 0.9);
        AdamKernel.Step(parameters, [0.1f, -0.2f, 3f], means, squares, 1, settings);
        AdamKernel.Step(parameters, [0.3f, 0.3f, -1f], means, squares, 2, settings);
        Assert.Equal([0.797779918f, -1.951776147f, 0.384768784f], parameters, Reference.Within(2e-7f));
    }

    [Fact]
    public void A_zero_gradient_from_zero_moments_moves_nothing()
    {
        float[] parameters = [3f, -1f], means = new float[2], squares = new float[2];
        AdamKernel.Step(parameters, new float[2], means, squares, 1, new AdamSettings(0.1));
        Assert.Equal([3f, -1f], parameters);
    }

    [Fact]
    public void Sum_of_squares_does_not_lose_small_terms_beside_large_ones()
    {
        float[] values = new float[1_000_003];
        Array.Fill(values, 1e-3f);
        values[17] = 1e4f;
        double expected = 1e8 + (1_000_002 * (double)1e-3f * 1e-3f);
        Assert.Equal(expected, AdamKernel.SumOfSquares(values), 1e-9 * expected);
        Assert.Equal(0, AdamKernel.SumOfSquares([]));
    }
}
