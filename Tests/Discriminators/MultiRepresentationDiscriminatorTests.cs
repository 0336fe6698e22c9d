using GumbelGan.Discriminators;
using GumbelGan.Engine;
using GumbelGan.Randomness;
using GumbelGan.Tests.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Discriminators;

public sealed class MultiRepresentationDiscriminatorTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_representation_is_filtered_carried_and_scored_by_the_same_weights(bool sharedGate)
    {
        const int Representations = 3, Width = 2, Filters = 4, Hidden = 5, Padding = 0;
        using DisposeScope scope = NewDisposeScope();
        var options = new MultiRepresentationDiscriminatorOptions
        {
            Embedding = Representations * Width,
            Representations = Representations,
            FilterWidths = [1, 2],
            Filters = Filters,
            Hidden = Hidden,
            SharedGate = sharedGate,
        };
        using Discriminator discriminator = options.Create(6, Padding, new RandomKey(3));
        using (no_grad())
        {
            foreach ((string name, Parameter parameter) in discriminator.named_parameters().Where(named => named.name.EndsWith(".bias")))
            {
                RandomFill.Uniform(new RandomKey(6).Derive(name), -0.5f, 0.5f, TensorMemory.Numbers(parameter));
            }
        }

        Dictionary<string, float[]> weights =
            discriminator.named_parameters().ToDictionary(named => named.name, named => named.parameter.data<float>().ToArray());
        double[] Linear(string name, double[] input) => [.. Enumerable.Range(0, weights[$"{name}.weight"].Length / input.Length)
            .Select(row => (weights.TryGetValue($"{name}.bias", out float[]? biases) ? (double)biases[row] : 0)
                + input.Select((value, column) => value * weights[$"{name}.weight"][row * input.Length + column]).Sum())];
        Assert.Equal(sharedGate, weights.ContainsKey("highway.bias"));
        Assert.Equal(!sharedGate, weights.ContainsKey("gate.weight"));
        Assert.False(weights.ContainsKey("gate.bias"));
        Assert.Equal(options.ParameterCount(6), weights.Values.Sum(values => values.Length));
        int[] sentence = [3, 5, 4];
        float[] scores = discriminator.Scores(tensor([3L, 5, 4, Padding], [1, 4])).data<float>().ToArray();
        Assert.Equal(Representations, scores.Length);
        for (int r = 0; r < Representations; r++)
        {
            var features = new List<double>();
            foreach (int width in options.FilterWidths)
            {
                for (int filter = 0; filter < Filters; filter++)
                {
                    double largest = Enumerable.Range(0, sentence.Length - width + 1).Max(start => Enumerable.Range(0, width).Sum(place =>
                        Enumerable.Range(0, Width).Sum(e => (double)weights[$"convolution{width}.weight"][(filter * Width + e) * width + place]
                            * weights["embedding.weight"][sentence[start + place] * Representations * Width + r * Width + e])));
                    features.Add(Math.Max(0, largest + weights[$"convolution{width}.bias"][filter]));
                }
            }

            double[] pooled = [.. features], through = Linear("highway", pooled), gates = Linear(sharedGate ? "highway" : "gate", pooled);
            double[] carried = [.. pooled.Select((value, i) =>
            {
                double open = Reference.Sigmoid(gates[i]);
                return open * Math.Max(0, through[i]) + (1 - open) * value;
            })];
            Assert.Equal(Linear("output", Linear("hidden", carried))[0], scores[r], 1e-5);
        }

        Assert.Equal(scores.Average(), discriminator.Score(tensor([3L, 5, 4, Padding], [1, 4])).item<float>(), 1e-5f);
    }

    [Fact]
    public void Weights_begin_with_the_deviations_of_the_authors_code()
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator discriminator = new MultiRepresentationDiscriminatorOptions
        {
            Embedding = 64,
            Representations = 16,
            FilterWidths = [3],
            Filters = 120,
            Hidden = 50,
        }.Create(400, null, new RandomKey(3));
        // A normal cut at two deviations has .8796 of its deviation.
        foreach ((string name, double deviation) in new[]
        {
            ("embedding.weight", 1 / Math.Sqrt(400)), ("convolution3.weight", Math.Sqrt(2.0 / 12)), ("highway.weight", 1 / Math.Sqrt(120)),
            ("gate.weight", 1 / Math.Sqrt(120)), ("hidden.weight", 1 / Math.Sqrt(120)),
        })
        {
            float[] values = discriminator.named_parameters().Single(named => named.name == name).parameter.data<float>().ToArray();
            double found = Math.Sqrt(values.Average(value => (double)value * value));
            Assert.Equal(0.8796 * deviation, found, 5 * deviation / Math.Sqrt(2 * values.Length));
            Assert.InRange(values.Max(), 1.8 * deviation, 2 * deviation);
        }

        Assert.All(discriminator.named_parameters().Where(named => named.name.EndsWith(".bias")),
            named => Assert.Equal(0, named.parameter.abs().max().item<float>()));
    }
}
