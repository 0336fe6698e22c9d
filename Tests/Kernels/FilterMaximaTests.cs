using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed unsafe class FilterMaximaTests
{
    [Theory]
    [InlineData(1, 3, 1, 1, new[] { 1, 3 })]
    [InlineData(5, 7, 6, 20, new[] { 2 })]
    [InlineData(9, 20, 32, 64, new[] { 2, 3, 4, 5 })]
    [InlineData(3, 6, 17, 130, new[] { 4, 1, 6 })]
    [InlineData(7, 20, 1, 150, new[] { 2, 3, 4, 5 })]
    [InlineData(6, 40, 1, 70, new[] { 1, 5, 7 })]
    public void Features_and_gradients_equal_the_double_precision_definition_on_any_number_of_threads(int batch, int time, int embedding,
        int filters, int[] widths)
    {
        var random = new RandomStream(new RandomKey((ulong)(batch * filters)));
        float[] inputs = Reference.Normal(random, batch * time * embedding, 1);
        float[][] weights = [.. widths.Select(width => Reference.Normal(random, filters * embedding * width, 1))],
            biases = [.. widths.Select(_ => Reference.Normal(random, filters, 1))];
        float[] gradient = Reference.Normal(random, batch * widths.Length * filters, 1);
        // The first as long as all places, another shorter than most filters.
        int[] lengths = [.. Enumerable.Range(0, batch).Select(sample => Math.Max(1, time - 5 * sample % time))];
        float[][] found = Run(2);
        double[][] expected = Define();
        for (int i = 0; i < expected.Length; i++)
        {
            Reference.AssertClose(expected[i], found[i], 1e-5, 1e-5 * expected[i].Max(Math.Abs));
        }

        foreach (int threads in new[] { 1, 3 })
        {
            Assert.Equal(found, Run(threads));
        }

        // Features, the inputs' gradient, then each width's weights' and biases'.
        float[][] Run(int threads)
        {
            using var parallel = new RowParallel(threads);
            // More room than is needed, as when a smaller batch comes.
            using var maxima = new FilterMaxima(parallel, batch + 1, time + 2, embedding, filters, widths);
            maxima.SetBatch(lengths, time);
            inputs.CopyTo(new Span<float>(maxima.Inputs, inputs.Length));
            var buffers = new List<NativeBuffer> { new(batch * widths.Length * filters), new(inputs.Length) };
            float*[] weightGradients = new float*[widths.Length], biasGradients = new float*[widths.Length];
            for (int i = 0; i < widths.Length; i++)
            {
                fixed (float* weight = weights[i], bias = biases[i])
                {
                    maxima.Pack(i, weight, bias);
                }

                buffers.AddRange([new NativeBuffer(weights[i].Length), new NativeBuffer(filters)]);
                weightGradients[i] = buffers[^2].Pointer;
                biasGradients[i] = buffers[^1].Pointer;
            }

            maxima.Forward(buffers[0].Pointer);
            fixed (float* outer = gradient)
            {
                maxima.Backward(outer, buffers[1].Pointer, weightGradients, biasGradients);
            }

            float[][] results = [.. buffers.Select(buffer => new Span<float>(buffer.Pointer, (int)buffer.Length).ToArray())];
            buffers.ForEach(buffer => buffer.Dispose());
            return results;
        }

        double[][] Define()
        {
            double[] features = new double[gradient.Length], inputGradient = new double[inputs.Length];
            double[][] weightGradients = [.. weights.Select(weight => new double[weight.Length])],
                biasGradients = [.. biases.Select(bias => new double[bias.Length])];
            for (int feature = 0; feature < features.Length; feature++)
            {
                int sample = feature / (widths.Length * filters), index = feature / filters % widths.Length, filter = feature % filters,
                    width = widths[index];
                double[] responses = [.. Enumerable.Range(0, Math.Max(1, lengths[sample] - width + 1))
                    .Select(place => biases[index][filter] + Window(place).Sum(at => (double)inputs[at.Input] * weights[index][at.Weight]))];
                int best = Array.IndexOf(responses, responses.Max());
                features[feature] = Math.Max(0, responses[best]);
                if (responses[best] > 0)
                {
                    biasGradients[index][filter] += gradient[feature];
                    foreach ((int input, int weight) in Window(best))
                    {
                        inputGradient[input] += (double)gradient[feature] * weights[index][weight];
                        weightGradients[index][weight] += (double)gradient[feature] * inputs[input];
                    }
                }

                IEnumerable<(int Input, int Weight)> Window(int place) =>
                    from offset in Enumerable.Range(0, width)
                    from channel in Enumerable.Range(0, embedding)
                    select ((sample * time + place + offset) * embedding + channel, (filter * embedding + channel) * width + offset);
            }

            return [features, inputGradient, .. weightGradients.Zip(biasGradients).SelectMany(pair => new[] { pair.First, pair.Second })];
        }
    }

    [Fact]
    public void Filters_wider_than_the_sequences_and_batches_without_room_are_refused()
    {
        using var parallel = new RowParallel(1);
        using var maxima = new FilterMaxima(parallel, 4, 9, 2, 3, [2, 5]);
        Assert.Throws<ArgumentException>(() => maxima.SetBatch(new int[4], 4));
        Assert.Throws<ArgumentException>(() => maxima.SetBatch(new int[5], 9));
        Assert.Throws<ArgumentException>(() => maxima.SetBatch(new int[4], 10));
        maxima.SetBatch([5], 5);
    }
}
