using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Contract;

/// <summary>Compares tensors with numbers worked out by hand, and gradients with finite differences.</summary>
internal static class Numbers
{
    /// <summary>The elements in row-major order, as float64 whatever the element type.</summary>
    internal static double[] Of(Tensor tensor)
    {
        using Tensor converted = tensor.detach().to(ScalarType.Float64);
        return converted.data<double>().ToArray();
    }

    internal static void AreClose(double[] expected, Tensor actual, double tolerance = 1e-6)
    {
        double[] numbers = Of(actual);
        Assert.Equal(expected.Length, numbers.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool close = expected[i].Equals(numbers[i]) || Math.Abs(expected[i] - numbers[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i]));
            Assert.True(close, FormattableString.Invariant($"element {i}: expected {expected[i]:R}, got {numbers[i]:R}"));
        }
    }

    internal static void HasShape(long[] expected, Tensor actual) => Assert.Equal(expected, actual.shape);

    /// <summary>A float64 leaf that requires its gradient.</summary>
    internal static Tensor Leaf(double[] values, params long[] shape) => tensor(values, shape, requires_grad: true);

    /// <summary>Holds the gradients of a function of float64 leaves, weighted so that no symmetry can hide an error, against central differences.</summary>
    internal static void GradientsMatchDifferences(Func<Tensor[], Tensor> function, params Tensor[] leaves)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor output = function(leaves);
        Tensor weights = arange(1, output.numel() + 1, ScalarType.Float64).mul(0.37).reshape(output.shape);
        (output * weights).sum().backward();
        foreach (Tensor leaf in leaves)
        {
            double[] gradient = Of(leaf.grad!);
            for (int i = 0; i < gradient.Length; i++)
            {
                double up = Shifted(function, leaves, leaf, i, 1e-6, weights), down = Shifted(function, leaves, leaf, i, -1e-6, weights);
                double difference = (up - down) / 2e-6;
                Assert.True(
                    Math.Abs(difference - gradient[i]) <= 2e-6 * Math.Max(1, Math.Abs(difference)),
                    FormattableString.Invariant($"element {i}: the difference quotient is {difference:R}, the gradient {gradient[i]:R}"));
            }
        }
    }

    private static double Shifted(Func<Tensor[], Tensor> function, Tensor[] leaves, Tensor leaf, int element, double shift, Tensor weights)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        Tensor[] moved = [.. leaves.Select(other => ReferenceEquals(other, leaf) ? Moved(other, element, shift) : other.detach())];
        return (function(moved) * weights).sum().item<double>();
    }

    private static Tensor Moved(Tensor leaf, int element, double shift)
    {
        Tensor copy = leaf.detach().clone();
        double[] values = Of(copy);
        values[element] += shift;
        copy.data<double>().CopyFrom(values);
        return copy;
    }
}
