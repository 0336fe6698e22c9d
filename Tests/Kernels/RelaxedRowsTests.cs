using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Kernels;

/// <summary>Hard samples whose gradient is a function of whole rows: what the function is given, and what is made of its result.</summary>
public sealed unsafe class RelaxedRowsTests
{
    private const int Hidden = 20, GeneratorWidth = 12, DiscriminatorWidth = 9;

    [Theory]
    [InlineData(1, 3, true)]
    [InlineData(70, 384, true)]
    [InlineData(30, 777, false)]
    [InlineData(70, 1000, true)]
    [InlineData(70, 1000, false)]
    public void The_function_sees_the_logits_the_samples_gradient_and_the_token_and_its_result_reaches_h_W_and_b(int rows, int vocabulary, bool keep)
    {
        var key = new RandomKey(5);
        float[] hidden = Numbers(1, rows * Hidden), weight = Numbers(2, vocabulary * Hidden), bias = Numbers(3, vocabulary);
        float[] generator = Numbers(4, vocabulary * GeneratorWidth), discriminator = Numbers(5, vocabulary * DiscriminatorWidth);
        float[] generatorGradient = Numbers(6, rows * GeneratorWidth), discriminatorGradient = Numbers(7, rows * DiscriminatorWidth);
        // Rows of the batch that have ended are left out: row i is number 2 i + 1.
        int[] numbers = [.. Enumerable.Range(0, rows).Select(row => 2 * row + 1)], tokens = new int[rows];
        float[] hiddenGradient = new float[rows * Hidden], weightGradient = new float[vocabulary * Hidden], biasGradient = new float[vocabulary];
        float[][] logits = new float[rows][], samples = new float[rows][];
        using var parallel = new RowParallel(2);
        using var subject = new RelaxedVocabulary(vocabulary, Hidden, GeneratorWidth, DiscriminatorWidth, rows);
        using var kept = new NativeBuffer(subject.KeptLength);
        fixed (float* h = hidden, w = weight, b = bias, e = generator, f = discriminator, de = generatorGradient, df = discriminatorGradient)
        fixed (float* dh = hiddenGradient, dw = weightGradient, db = biasGradient)
        fixed (int* drawn = tokens, number = numbers)
        {
            subject.PackGenerator(parallel, w, b, e);
            subject.PackDiscriminator(parallel, f);
            var step = new RelaxedStep
            {
                Hidden = h,
                Rows = rows,
                RowNumbers = number,
                Temperature = 0.7f,
                Key = key,
                Kept = keep ? kept.Pointer : null
            };
            subject.ForwardHard(parallel, step, drawn);
            var gradients = new RelaxedGradients
            {
                GeneratorInputGradient = de,
                DiscriminatorInputGradient = df,
                Hidden = dh,
                Weight = dw,
                Bias = db,
            };
            subject.BackwardRows(parallel, step, gradients, Function, drawn, new RandomKey(77));
        }

        void Function(in RelaxedRow row)
        {
            int index = ((int)row.Number - 1) / 2;
            Assert.Equal((tokens[index], 0.7f, new RandomKey(77)), (row.Token, row.Temperature, row.Key));
            (logits[index], samples[index]) = (row.Logits[..vocabulary].ToArray(), row.SampleGradient[..vocabulary].ToArray());
            Assert.True(row.Logits[vocabulary..].IndexOfAnyExcept(float.NegativeInfinity) < 0);
            Assert.True(row.SampleGradient[vocabulary..].IndexOfAnyExcept(0f) < 0);
            Assert.True(row.LogitGradient.IndexOfAnyExcept(0f) < 0);
            row.LogitGradient[row.Token] = 2;
            row.LogitGradient[0] += row.Logits[0];
        }

        double[] expectedWeight = new double[vocabulary * Hidden], expectedBias = new double[vocabulary];
        for (int row = 0; row < rows; row++)
        {
            float[] noise = new float[vocabulary];
            GumbelNoise.Fill(key, (ulong)numbers[row], noise);
            for (int v = 0; v < vocabulary; v++)
            {
                Assert.Equal(Dot(hidden, row, weight, v, Hidden) + bias[v], logits[row][v], 1e-4);
                Assert.Equal(Dot(generatorGradient, row, generator, v, GeneratorWidth)
                    + Dot(discriminatorGradient, row, discriminator, v, DiscriminatorWidth), samples[row][v], 1e-4);
                Assert.True(logits[row][v] + noise[v] <= logits[row][tokens[row]] + noise[tokens[row]]);
            }

            for (int i = 0; i < Hidden; i++)
            {
                double first = logits[row][0];
                double expected = 2 * weight[tokens[row] * Hidden + i] + first * weight[i];
                Assert.Equal(expected, hiddenGradient[row * Hidden + i], 1e-4);
                expectedWeight[tokens[row] * Hidden + i] += 2 * hidden[row * Hidden + i];
                expectedWeight[i] += first * hidden[row * Hidden + i];
            }

            expectedBias[tokens[row]] += 2;
            expectedBias[0] += logits[row][0];
        }

        Assert.All(expectedWeight.Zip(weightGradient), pair => Assert.Equal(pair.First, pair.Second, 2e-4));
        Assert.All(expectedBias.Zip(biasGradient), pair => Assert.Equal(pair.First, pair.Second, 2e-4));
    }

    private static float[] Numbers(ulong key, int count)
    {
        float[] numbers = new float[count];
        RandomFill.Uniform(new RandomKey(key), -1, 1, numbers);
        return numbers;
    }

    private static double Dot(float[] a, int aRow, float[] b, int bRow, int width) =>
        Enumerable.Range(0, width).Sum(i => (double)a[aRow * width + i] * b[bRow * width + i]);
}
