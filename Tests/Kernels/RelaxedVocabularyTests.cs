using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

public sealed unsafe class RelaxedVocabularyTests
{
    public static TheoryData<int, int, int, int, int, float, bool> Shapes => new()
    {
        { 1, 3, 4, 5, 2, 1f, true },
        { 2, 30, 64, 64, 16, 0.5f, true },
        { 24, 384, 32, 32, 32, 1f, true },
        { 33, 385, 17, 9, 40, 2f, true },
        { 64, 1000, 32, 32, 0, 0.3f, true },
        { 64, 1301, 32, 0, 32, 1f, true },
        { 70, 777, 20, 12, 33, 0.8f, false },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Forward_and_all_gradients_equal_the_composed_double_precision_definition(
        int rows, int vocabulary, int hidden, int generatorWidth, int discriminatorWidth, float temperature, bool noisy)
    {
        Problem problem = new(rows, vocabulary, hidden, generatorWidth, discriminatorWidth, temperature, noisy);
        Result expected = problem.Composed();
        AssertSame(expected, problem.Fused(threads: 2, keep: false));
        AssertSame(expected, problem.Fused(threads: 2, keep: true));
    }

    private static void AssertSame(Result expected, Result actual)
    {
        void Same(double[] expectedValues, double[] actualValues, string what)
        {
            double scale = expectedValues.Select(Math.Abs).DefaultIfEmpty(0).Max();
            for (int i = 0; i < expectedValues.Length; i++)
            {
                if (!(Math.Abs(expectedValues[i] - actualValues[i]) <= (1e-5 * Math.Abs(expectedValues[i])) + (3e-6 * scale)))
                {
                    Assert.Fail($"{what}[{i}] is {actualValues[i]:G9} instead of {expectedValues[i]:G9}, the largest being {scale:G3}.");
                }
            }
        }

        Same(expected.GeneratorInput, actual.GeneratorInput, "generator input");
        Same(expected.DiscriminatorInput, actual.DiscriminatorInput, "discriminator input");
        Same(expected.DiscriminatorInput, actual.DiscriminatorInputAgain, "discriminator input, embedded again");
        Same(expected.HiddenGradient, actual.HiddenGradient, "hidden gradient");
        Same(expected.WeightGradient, actual.WeightGradient, "weight gradient");
        Same(expected.BiasGradient, actual.BiasGradient, "bias gradient");
        Same(expected.GeneratorEmbeddingGradient, actual.GeneratorEmbeddingGradient, "generator embedding gradient");
        Same(expected.DiscriminatorEmbeddingGradient, actual.DiscriminatorEmbeddingGradient, "discriminator embedding gradient");
        Assert.Equal(expected.Tokens, actual.Tokens);
    }

    [Fact]
    public void The_number_of_threads_changes_no_bit()
    {
        Problem problem = new(50, 1500, 24, 20, 12, 0.7f, true);
        Result one = problem.Fused(1, keep: false);
        foreach (int threads in new[] { 2, 5 })
        {
            Result several = problem.Fused(threads, keep: false);
            Assert.Equal(one.GeneratorInput, several.GeneratorInput);
            Assert.Equal(one.HiddenGradient, several.HiddenGradient);
            Assert.Equal(one.WeightGradient, several.WeightGradient);
            Assert.Equal(one.DiscriminatorEmbeddingGradient, several.DiscriminatorEmbeddingGradient);
        }
    }

    private sealed record Result(
        double[] GeneratorInput, double[] DiscriminatorInput, double[] DiscriminatorInputAgain, double[] HiddenGradient, double[] WeightGradient,
            double[] BiasGradient,
        double[] GeneratorEmbeddingGradient, double[] DiscriminatorEmbeddingGradient, int[] Tokens);

    /// <summary>Random h [N, H], W [V, H], b [V], embeddings [V, E] and [V, F], and gradients with respect to the embedded rows.</summary>
    private sealed class Problem
    {
        private readonly int _rows, _vocabulary, _hidden, _generatorWidth, _discriminatorWidth;
        private readonly float _temperature;
        private readonly RandomKey? _key;
        private readonly float[] _h, _w, _b, _generatorEmbedding, _discriminatorEmbedding, _generatorGradient, _discriminatorGradient;
        private readonly int[] _numbers;

        public Problem(int rows, int vocabulary, int hidden, int generatorWidth, int discriminatorWidth, float temperature, bool noisy)
        {
            (_rows, _vocabulary, _hidden, _generatorWidth, _discriminatorWidth) = (rows, vocabulary, hidden, generatorWidth, discriminatorWidth);
            _temperature = temperature;
            _key = noisy ? new RandomKey(99) : null;
            var random = new RandomStream(new RandomKey((ulong)(rows + vocabulary)));
            _h = Reference.Normal(random, rows * hidden, 1);
            _w = Reference.Normal(random, vocabulary * hidden, 1 / Math.Sqrt(hidden));
            _b = Reference.Normal(random, vocabulary, 0.5);
            _generatorEmbedding = Reference.Normal(random, vocabulary * generatorWidth, 1);
            _discriminatorEmbedding = Reference.Normal(random, vocabulary * discriminatorWidth, 1);
            _generatorGradient = Reference.Normal(random, rows * generatorWidth, 1);
            _discriminatorGradient = Reference.Normal(random, rows * discriminatorWidth, 1);
            // As where every seventh row of a batch has ended.
            _numbers = [.. Enumerable.Range(0, rows).Select(row => row + row / 6)];
        }

        public Result Composed()
        {
            double[] x1 = new double[_rows * _generatorWidth], x2 = new double[_rows * _discriminatorWidth], dh = new double[_h.Length];
            double[] dw = new double[_w.Length], db = new double[_vocabulary];
            double[] de1 = new double[_generatorEmbedding.Length], de2 = new double[_discriminatorEmbedding.Length];
            int[] tokens = new int[_rows];
            float[] noise = new float[_vocabulary];
            for (int row = 0; row < _rows; row++)
            {
                if (_key is { } key)
                {
                    GumbelNoise.Fill(key, (ulong)_numbers[row], noise);
                }

                double[] perturbed = new double[_vocabulary];
                for (int v = 0; v < _vocabulary; v++)
                {
                    perturbed[v] = _b[v] + noise[v];
                    for (int k = 0; k < _hidden; k++)
                    {
                        perturbed[v] += (double)_w[(v * _hidden) + k] * _h[(row * _hidden) + k];
                    }
                }

                double[] y = Reference.Softmax(perturbed, _temperature), dy = new double[_vocabulary];
                tokens[row] = Array.IndexOf(y, y.Max());
                for (int v = 0; v < _vocabulary; v++)
                {
                    for (int e = 0; e < _generatorWidth; e++)
                    {
                        x1[(row * _generatorWidth) + e] += y[v] * _generatorEmbedding[(v * _generatorWidth) + e];
                        dy[v] += (double)_generatorGradient[(row * _generatorWidth) + e] * _generatorEmbedding[(v * _generatorWidth) + e];
                    }

                    for (int e = 0; e < _discriminatorWidth; e++)
                    {
                        x2[(row * _discriminatorWidth) + e] += y[v] * _discriminatorEmbedding[(v * _discriminatorWidth) + e];
                        dy[v] += (double)_discriminatorGradient[(row * _discriminatorWidth) + e]
                            * _discriminatorEmbedding[(v * _discriminatorWidth) + e];
                    }
                }

                double centre = y.Zip(dy, (p, d) => p * d).Sum();
                for (int v = 0; v < _vocabulary; v++)
                {
                    double dz = y[v] * (dy[v] - centre) / _temperature;
                    db[v] += dz;
                    for (int k = 0; k < _hidden; k++)
                    {
                        dh[(row * _hidden) + k] += dz * _w[(v * _hidden) + k];
                        dw[(v * _hidden) + k] += dz * _h[(row * _hidden) + k];
                    }

                    for (int e = 0; e < _generatorWidth; e++)
                    {
                        de1[(v * _generatorWidth) + e] += y[v] * _generatorGradient[(row * _generatorWidth) + e];
                    }

                    for (int e = 0; e < _discriminatorWidth; e++)
                    {
                        de2[(v * _discriminatorWidth) + e] += y[v] * _discriminatorGradient[(row * _discriminatorWidth) + e];
                    }
                }
            }

            return new Result(x1, x2, x2, dh, dw, db, de1, de2, tokens);
        }

        public Result Fused(int threads, bool keep)
        {
            float[] x1 = new float[_rows * _generatorWidth], x2 = new float[_rows * _discriminatorWidth], again = new float[x2.Length];
            float[] dh = new float[_h.Length], dw = new float[_w.Length], db = new float[_vocabulary], maxima = new float[_rows],
                sums = new float[_rows];
            float[] de1 = new float[_generatorEmbedding.Length], de2 = new float[_discriminatorEmbedding.Length];
            float[] halved = [.. _discriminatorEmbedding.Select(e => 0.5f * e)];
            int[] tokens = new int[_rows];
            using var parallel = new RowParallel(threads);
            using var fused = new RelaxedVocabulary(_vocabulary, _hidden, _generatorWidth, _discriminatorWidth, _rows + 3);
            float[] kept = new float[fused.KeptLength];
            fixed (float* h = _h, w = _w, b = _b, e1 = _generatorEmbedding, e2 = _discriminatorEmbedding, g1 = _generatorGradient,
                g2 = _discriminatorGradient)
            fixed (float* i1 = x1, i2 = x2, i3 = again, gh = dh, gw = dw, gb = db, ge1 = de1, ge2 = de2, max = maxima, sum = sums, store = kept,
                half = halved)
            fixed (int* token = tokens, numbers = _numbers)
            {
                fused.PackGenerator(parallel, w, b, e1);
                fused.PackDiscriminator(parallel, half);
                var step = new RelaxedStep
                {
                    Hidden = h,
                    Rows = _rows,
                    Temperature = _temperature,
                    Key = _key,
                    RowNumbers = numbers,
                    Maxima = max,
                    Sums = sum,
                    Kept = keep ? store : null,
                };
                fused.Forward(parallel, step, i1, i2, token);
                fused.PackDiscriminator(parallel, e2);
                if (_discriminatorWidth > 0)
                {
                    fused.EmbedAgain(parallel, step, i3);
                }

                var gradients = new RelaxedGradients
                {
                    GeneratorInput = i1,
                    DiscriminatorInput = i3,
                    GeneratorInputGradient = g1,
                    DiscriminatorInputGradient = g2,
                    Hidden = gh,
                    Weight = gw,
                    Bias = gb,
                    GeneratorEmbedding = ge1,
                    DiscriminatorEmbedding = ge2,
                };
                fused.Backward(parallel, step, gradients);
            }

            static double[] Wide(float[] values) => [.. values.Select(x => (double)x)];
            double[] doubled = [.. x2.Select(x => 2.0 * x)];
            return new Result(Wide(x1), doubled, Wide(again), Wide(dh), Wide(dw), Wide(db), Wide(de1), Wide(de2), tokens);
        }
    }
}
