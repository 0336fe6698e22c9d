using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed unsafe class HighwayScoreTests
{
    [Theory]
    [InlineData(1, 1, true, false)]
    [InlineData(5, 17, false, true)]
    [InlineData(230, 130, true, true)]
    [InlineData(230, 130, false, false)]
    public void Scores_and_gradients_equal_the_double_precision_definition_on_any_number_of_threads(int rows, int width, bool isShared, bool drops)
    {
        var random = new RandomStream(new RandomKey((ulong)(rows + width)));
        float[] features = Reference.Normal(random, rows * width, 1), output = Reference.Normal(random, width, 1),
            transform = Reference.Normal(random, width * width, 1 / MathF.Sqrt(width)),
            second = Reference.Normal(random, isShared ? width : width * width, 1 / MathF.Sqrt(width)), outer = Reference.Normal(random, rows, 1);
        float[] factors = [.. Enumerable.Range(0, rows * width).Select(i => drops ? (i % 4 == 0 ? 0 : 4f / 3) : 1)];
        float[][] found = Run(2);
        double[][] expected = Define();
        for (int i = 0; i < expected.Length; i++)
        {
            Reference.AssertClose(expected[i], found[i], 1e-5, 2e-5 * expected[i].Max(Math.Abs));
        }

        foreach (int threads in new[] { 1, 3 })
        {
            Assert.Equal(found, Run(threads));
        }

        // Scores, then the gradients of features, transform, second and output; twice, since memory is used again.
        float[][] Run(int threads)
        {
            using var parallel = new RowParallel(threads);
            using var highway = new HighwayScore(parallel, rows + 3, width, isShared);
            float[][] results = [new float[rows], new float[rows * width], new float[width * width], new float[second.Length], new float[width]];
            fixed (float* x = features, m = factors, a = transform, b = second, w = output, g = outer, scores = results[0], ofX = results[1],
                ofA = results[2], ofB = results[3], ofW = results[4])
            {
                for (int time = 0; time < 2; time++)
                {
                    highway.Forward(x, rows, drops ? m : null, a, b, w, scores);
                    highway.Backward(g, x, rows, drops ? m : null, a, b, w,
                        new HighwayGradients { Features = ofX, Transform = ofA, BiasOrGate = ofB, Output = ofW });
                }
            }

            return results;
        }

        double[][] Define()
        {
            double[][] results =
                [new double[rows], new double[rows * width], new double[width * width], new double[second.Length], new double[width]];
            for (int row = 0; row < rows; row++)
            {
                double[] x = [.. features.Skip(row * width).Take(width).Select(value => (double)value)];
                double[] Product(float[] matrix, float[]? bias) => [.. Enumerable.Range(0, width).Select(i =>
                    (bias?[i] ?? 0) + Enumerable.Range(0, width).Sum(j => (double)matrix[i * width + j] * x[j]))];
                double[] y = Product(transform, isShared ? second : null), gate = isShared ? y : Product(second, null);
                for (int i = 0; i < width; i++)
                {
                    double open = Reference.Sigmoid(gate[i]), through = Math.Max(0, y[i]), factor = factors[row * width + i];
                    double carried = x[i] + open * (through - x[i]);
                    results[0][row] += output[i] * factor * carried;
                    results[4][i] += outer[row] * factor * carried;
                    double ofCarried = outer[row] * factor * output[i];
                    double ofY = y[i] > 0 ? ofCarried * open : 0, ofGate = ofCarried * (through - x[i]) * open * (1 - open);
                    results[1][row * width + i] += ofCarried * (1 - open);
                    for (int j = 0; j < width; j++)
                    {
                        results[1][row * width + j] += (isShared ? ofY + ofGate : ofY) * transform[i * width + j];
                        results[2][i * width + j] += (isShared ? ofY + ofGate : ofY) * x[j];
                        if (!isShared)
                        {
                            results[1][row * width + j] += ofGate * second[i * width + j];
                            results[3][i * width + j] += ofGate * x[j];
                        }
                    }

                    if (isShared)
                    {
                        results[3][i] += ofY + ofGate;
                    }
                }
            }

            return results;
        }
    }
}
