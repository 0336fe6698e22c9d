using System.Runtime.Intrinsics;
using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed unsafe class LstmCellKernelTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 16)]
    [InlineData(5, 32)]
    [InlineData(64, 45)]
    [InlineData(2, 512)]
    public void Forward_and_backward_equal_the_double_precision_cell(int batch, int hidden)
    {
        var random = new RandomStream(new RandomKey((ulong)(batch * hidden)));
        float[] preactivations = Reference.Normal(random, batch * 4 * hidden, 3), bias = Reference.Normal(random, 4 * hidden, 1);
        float[] cell = Reference.Normal(random, batch * hidden, 2), nextCell = new float[cell.Length], nextHidden = new float[cell.Length];
        float[] hiddenGradient = Reference.Normal(random, cell.Length, 1), cellGradient = Reference.Normal(random, cell.Length, 1);
        float[] gates = [.. preactivations], gateGradient = new float[gates.Length], cellGradientOut = [.. cellGradient];
        using var parallel = new RowParallel(2);
        fixed (float* gate = gates, added = bias, c = cell, next = nextCell, h = nextHidden, dh = hiddenGradient, dc = cellGradientOut,
            dGate = gateGradient)
        {
            LstmCellKernel.Forward(parallel, gate, added, c, next, h, batch, hidden);
            LstmCellKernel.Backward(parallel, gate, c, next, dh, dc, dGate, batch, hidden);
        }

        for (int row = 0; row < batch; row++)
        {
            for (int unit = 0; unit < hidden; unit++)
            {
                double Gate(int which)
                {
                    return (double)preactivations[(((row * 4) + which) * hidden) + unit] + bias[(which * hidden) + unit];
                }

                int at = (row * hidden) + unit;
                double i = Reference.Sigmoid(Gate(0)), f = Reference.Sigmoid(Gate(1)), g = Math.Tanh(Gate(2)), o = Reference.Sigmoid(Gate(3));
                double c = (f * cell[at]) + (i * g), tanh = Math.Tanh(c), dh = hiddenGradient[at],
                    dc = cellGradient[at] + (dh * o * (1 - (tanh * tanh)));
                Assert.Equal(c, nextCell[at], 1e-6 * (1 + Math.Abs(c)));
                Assert.Equal(o * tanh, nextHidden[at], 1e-6);
                double[] expected = [dc * g * i * (1 - i), dc * cell[at] * f * (1 - f), dc * i * (1 - (g * g)), dh * tanh * o * (1 - o)];
                for (int which = 0; which < 4; which++)
                {
                    Assert.Equal(expected[which], gateGradient[(((row * 4) + which) * hidden) + unit], 1e-6 * (1 + Math.Abs(dc)));
                }

                Assert.Equal(dc * f, cellGradientOut[at], 1e-6 * (1 + Math.Abs(dc)));
            }
        }
    }

    [Fact]
    public void Vector_sigmoid_and_tanh_keep_their_relative_accuracy_from_the_smallest_to_the_largest_argument()
    {
        double worstSigmoid = 0, worstTanh = 0;
        foreach (int sign in new[] { 1, -1 })
        {
            for (double magnitude = 1e-30; magnitude < 60; magnitude *= 1.0003)
            {
                float x = (float)(sign * magnitude);
                double sigmoid = Reference.Sigmoid(x), tanh = Math.Tanh(x);
                worstSigmoid = Math.Max(worstSigmoid, Math.Abs(VectorFunctions.Sigmoid(Vector512.Create(x))[3] - sigmoid) / sigmoid);
                worstTanh = Math.Max(worstTanh, Math.Abs(VectorFunctions.HyperbolicTangent(Vector512.Create(x))[5] - tanh) / Math.Abs(tanh));
            }
        }

        Assert.InRange(worstTanh, 0, 5e-7);
        // e^-60 shifts the argument's own rounding of 2^-24 into a relative error of 60 * 2^-24.
        Assert.InRange(worstSigmoid, 0, 5e-6);
    }

    [Theory]
    [InlineData(0f, 0f, 0.5f)]
    [InlineData(1e30f, 1f, 1f)]
    [InlineData(-1e30f, -1f, 0f)]
    [InlineData(float.PositiveInfinity, 1f, 1f)]
    [InlineData(float.NegativeInfinity, -1f, 0f)]
    [InlineData(float.NaN, float.NaN, float.NaN)]
    public void Tanh_and_sigmoid_have_their_limits(float x, float tanh, float sigmoid)
    {
        Assert.Equal(tanh, VectorFunctions.HyperbolicTangent(Vector512.Create(x))[0]);
        Assert.Equal(sigmoid, VectorFunctions.Sigmoid(Vector512.Create(x))[0]);
    }
}
