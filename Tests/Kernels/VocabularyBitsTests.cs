using GumbelGan.Kernels;
using GumbelGan.Randomness;
using Xunit;
using static GumbelGan.Tests.Randomness.GumbelNoiseTests;

namespace GumbelGan.Tests.Kernels;

/// <summary>
/// The bits of what walks the vocabulary, written down on AVX-512; the same under DOTNET_EnableAVX512=0, DOTNET_EnableAVX2=0 and
/// DOTNET_EnableHWIntrinsic=0. N = 50 rows, V = 1301 in four pieces of which the last is not full, H = 20, E = F = 12.
/// </summary>
public sealed unsafe class VocabularyBitsTests
{
    private const int Rows = 50, Vocabulary = 1301, Hidden = 20, Width = 12;

    [Theory]
    [InlineData(false, true, 14092232213691145611UL)]
    [InlineData(true, true, 7358036037038116115UL)]
    [InlineData(false, false, 13675070855651930558UL)]
    public void Relaxed_embeddings_and_their_gradients_are_the_same_on_every_machine(bool keep, bool noisy, ulong expected)
    {
        float[] inputs = new float[2 * Rows * Width], maxima = new float[Rows], sums = new float[Rows], hiddenGradient = new float[Rows * Hidden];
        float[] weightGradient = new float[Vocabulary * Hidden], biasGradient = new float[Vocabulary];
        float[] embeddingGradient = new float[Vocabulary * Width];
        int[] tokens = new int[Rows];
        using var parallel = new RowParallel(2);
        using var fused = new RelaxedVocabulary(Vocabulary, Hidden, Width, Width, Rows + 3);
        float[] kept = new float[fused.KeptLength];
        fixed (float* h = Numbers(Rows * Hidden, 1), w = Numbers(Vocabulary * Hidden, 2), b = Numbers(Vocabulary, 3))
        fixed (float* embedding = Numbers(Vocabulary * Width, 4), other = Numbers(Vocabulary * Width, 5), gradient = Numbers(Rows * Width, 6))
        fixed (float* x = inputs, max = maxima, sum = sums, store = kept)
        fixed (float* dh = hiddenGradient, dw = weightGradient, db = biasGradient, de = embeddingGradient)
        fixed (int* token = tokens)
        {
            fused.PackGenerator(parallel, w, b, embedding);
            fused.PackDiscriminator(parallel, other);
            var step = new RelaxedStep
            {
                Hidden = h,
                Rows = Rows,
                Temperature = 0.75f,
                Key = noisy ? new RandomKey(12) : null,
                Maxima = max,
                Sums = sum,
                Kept = keep ? store : null,
            };
            fused.Forward(parallel, step, x, x + (Rows * Width), token);
            fused.EmbedAgain(parallel, step, x + (Rows * Width));
            fused.Backward(parallel, step, new RelaxedGradients
            {
                GeneratorInput = x,
                DiscriminatorInput = x + (Rows * Width),
                GeneratorInputGradient = gradient,
                DiscriminatorInputGradient = gradient,
                Hidden = dh,
                Weight = dw,
                Bias = db,
                GeneratorEmbedding = de,
            });
        }

        float[] gradients = [.. hiddenGradient, .. weightGradient, .. biasGradient, .. embeddingGradient];
        Assert.Equal(expected, Hash([.. inputs, .. maxima, .. sums, .. gradients, .. tokens.Select(token => (float)token)]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Gradients_of_several_steps_that_wait_for_each_other_are_those_of_steps_by_themselves(int threads)
    {
        // Backwards through a roll-out whose sequences end: more rows every time. For 65 rows no memory is set aside to wait in.
        int[] rows = [3, 7, 20, 40, Rows, Rows];
        Assert.Equal(Gradients(threads, 65, rows), Gradients(threads, Rows, rows));
    }

    [Fact]
    public void Gradients_of_the_likelihood_are_the_same_on_every_machine()
    {
        float[] losses = new float[Rows], hiddenGradient = new float[Rows * Hidden];
        float[] weightGradient = new float[Vocabulary * Hidden], biasGradient = new float[Vocabulary];
        int[] targets = [.. Enumerable.Range(0, Rows).Select(row => row * 26)];
        using var parallel = new RowParallel(2);
        using var likelihood = new VocabularyLikelihood(Vocabulary, Hidden);
        fixed (float* h = Numbers(Rows * Hidden, 1), w = Numbers(Vocabulary * Hidden, 2), b = Numbers(Vocabulary, 3), loss = losses)
        fixed (float* dh = hiddenGradient, dw = weightGradient, db = biasGradient)
        fixed (int* target = targets)
        {
            likelihood.Pack(parallel, w, b);
            likelihood.Forward(parallel, h, target, loss, Rows, new LikelihoodGradients { Scale = 0.25f, Hidden = dh, Weight = dw, Bias = db });
        }

        // Without the losses: their logarithm is the machine's own.
        Assert.Equal(14475138868192638444UL, Hash([.. hiddenGradient, .. weightGradient, .. biasGradient]));
    }

    [Theory]
    [InlineData(Hidden, 10698128178016553709UL)]
    [InlineData(132, 1106924687174634221UL)]
    public void Sampled_sequences_are_the_same_on_every_machine(int hidden, ulong expected)
    {
        const int Length = 9;
        long[] tokens = new long[Rows * Length];
        using var parallel = new RowParallel(2);
        using var sampler = new LstmSampler(Vocabulary, Width, hidden);
        fixed (float* table = Numbers(Vocabulary * Width, 1), wi = Numbers(4 * hidden * Width, 2), wh = Numbers(4 * hidden * hidden, 3))
        fixed (float* bi = Numbers(4 * hidden, 4), bh = Numbers(4 * hidden, 5), w = Numbers(Vocabulary * hidden, 6), b = Numbers(Vocabulary, 7))
        fixed (long* found = tokens)
        {
            sampler.Pack(parallel, table, wi, wh, bi, bh, w, b);
            var request = new SamplingRequest { Batch = Rows, Length = Length, EndToken = 3, Temperature = 1.25, Key = new RandomKey(13) };
            sampler.Sample(parallel, request, found);
        }

        Assert.Equal(expected, Hash([.. tokens.Select(token => (float)token)]));
    }

    // Multiples of 1/512 between -1 and 1: no rounding, no function of the machine's.
    private static float[] Numbers(int count, int seed) =>
        [.. Enumerable.Range(0, count).Select(i => ((((i + seed) * 7919L) + (seed * 104729L)) % 1021 - 510) * 0.001953125f)];

    // Those of W, b and both embeddings after steps of so many rows.
    private static float[] Gradients(int threads, int maximumRows, int[] rows)
    {
        float[] inputs = new float[Rows * Width], maxima = new float[Rows], sums = new float[Rows], hiddenGradient = new float[Rows * Hidden];
        float[] weightGradient = new float[Vocabulary * Hidden], biasGradient = new float[Vocabulary];
        float[] embeddingGradient = new float[Vocabulary * Width], otherGradient = new float[Vocabulary * Width];
        using var parallel = new RowParallel(threads);
        using var fused = new RelaxedVocabulary(Vocabulary, Hidden, Width, Width, maximumRows);
        fixed (float* h = Numbers(rows.Length * Rows * Hidden, 1), w = Numbers(Vocabulary * Hidden, 2), b = Numbers(Vocabulary, 3))
        fixed (float* embedding = Numbers(Vocabulary * Width, 4), gradient = Numbers(Rows * Width, 5), x = inputs, max = maxima, sum = sums)
        fixed (float* dh = hiddenGradient, dw = weightGradient, db = biasGradient, de = embeddingGradient, df = otherGradient)
        {
            fused.PackGenerator(parallel, w, b, embedding);
            fused.PackDiscriminator(parallel, embedding);
            for (int number = 0; number < rows.Length; number++)
            {
                var step = new RelaxedStep
                {
                    Hidden = h + (number * Rows * Hidden),
                    Rows = rows[number],
                    Temperature = 0.75f,
                    Key = new RandomKey((ulong)number),
                    Maxima = max,
                    Sums = sum,
                };
                fused.Forward(parallel, step, x, null, null);
                fused.Backward(parallel, step, new RelaxedGradients
                {
                    GeneratorInput = x,
                    DiscriminatorInput = x,
                    GeneratorInputGradient = gradient,
                    DiscriminatorInputGradient = gradient,
                    Hidden = dh,
                    Weight = dw,
                    Bias = db,
                    GeneratorEmbedding = de,
                    DiscriminatorEmbedding = df,
                    HasMoreToCome = number < rows.Length - 1,
                });
            }
        }

        return [.. weightGradient, .. biasGradient, .. embeddingGradient, .. otherGradient];
    }
}
