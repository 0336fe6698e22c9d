using GumbelGan.Discriminators;
using GumbelGan.Randomness;
using GumbelGan.Tests.Kernels;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Discriminators;

/// <summary>Gradients of every weight against finite differences, and the LSTM's score against loops.</summary>
public sealed class WeightGradientTests
{
    private const int Vocabulary = 6, Padding = 0;

    public static TheoryData<string> Kinds => [.. DiscriminatorKind.All.Select(kind => kind.Name)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_weights_gradient_equals_finite_differences_fused_and_composed(string kind)
    {
        foreach (bool isComposed in new[] { false, true })
        {
            using DisposeScope scope = NewDisposeScope();
            using Discriminator discriminator = Create(kind);
            discriminator.IsTwiceDifferentiable = isComposed;
            FiniteDifferences.AssertGradients(discriminator, tensor([3L, 4, 5, 2, 1, 3, 5, 4, 2, 0], [2, 5]), tensor([1f, -0.5f]), 3,
                kink: _ => 5e-3, tolerance: numeric => 2e-3 + 0.02 * Math.Abs(numeric));
        }
    }

    [Fact]
    public void The_lstms_score_is_that_of_the_loops()
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = Create("lstm");
        Dictionary<string, float[]> weights =
            discriminator.named_parameters().ToDictionary(named => named.name, named => named.parameter.data<float>().ToArray());
        int width = discriminator.Options.Embedding, hidden = weights["output.weight"].Length;
        double[] state = new double[hidden], memory = new double[hidden];
        foreach (int id in new[] { 3, 5, 4 })
        {
            double[] before = state;
            double Gate(int part, int unit)
            {
                int row = part * hidden + unit;
                double sum = weights["cell.bias_ih"][row] + weights["cell.bias_hh"][row];
                sum += Enumerable.Range(0, width)
                    .Sum(e => (double)weights["cell.weight_ih"][row * width + e] * weights["embedding.weight"][id * width + e]);
                return sum + Enumerable.Range(0, hidden).Sum(h => weights["cell.weight_hh"][row * hidden + h] * before[h]);
            }

            memory = [.. memory.Select((old, unit) =>
                Reference.Sigmoid(Gate(1, unit)) * old + Reference.Sigmoid(Gate(0, unit)) * Math.Tanh(Gate(2, unit)))];
            state = [.. memory.Select((value, unit) => Reference.Sigmoid(Gate(3, unit)) * Math.Tanh(value))];
        }

        double score = weights["output.bias"][0] + state.Select((value, unit) => value * weights["output.weight"][unit]).Sum();
        // Padding is not read.
        Assert.Equal(score, discriminator.Score(tensor([3L, 5, 4, 0, 0], [1, 5])).item<float>(), 1e-5);
    }

    private static Discriminator Create(string kind)
    {
        DiscriminatorOptions options = DiscriminatorKind.All.Named(kind).NewOptions().Sized(4, 5);
        return options.Create(Vocabulary, Padding, new RandomKey(3));
    }
}
