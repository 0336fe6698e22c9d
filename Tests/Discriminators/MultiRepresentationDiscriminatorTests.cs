using GumbelGan.Discriminators;
using GumbelGan.Randomness;
using GumbelGan.Tests.Kernels;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Discriminators;

public sealed class MultiRepresentationDiscriminatorTests
{
    [Fact]
    public void Each_representation_is_filtered_carried_and_scored_by_the_same_weights()
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
        };
        using Discriminator discriminator = options.Create(6, Padding, new RandomKey(3));
        Dictionary<string, float[]> weights =
            discriminator.named_parameters().ToDictionary(named => named.name, named => named.parameter.data<float>().ToArray());
        double[] Linear(string name, double[] input) => [.. weights[$"{name}.bias"].Select((bias, row) =>
            bias + input.Select((value, column) => value * weights[$"{name}.weight"][row * input.Length + column]).Sum())];
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

            double[] pooled = [.. features], through = Linear("highway", pooled), gates = Linear("gate", pooled);
            double[] carried = [.. pooled.Select((value, i) =>
            {
                double open = Reference.Sigmoid(gates[i] - 2);
                return open * Math.Max(0, through[i]) + (1 - open) * value;
            })];
            Assert.Equal(Linear("output", Linear("hidden", carried))[0], scores[r], 1e-5);
        }

        Assert.Equal(scores.Average(), discriminator.Score(tensor([3L, 5, 4, Padding], [1, 4])).item<float>(), 1e-5f);
    }
}
