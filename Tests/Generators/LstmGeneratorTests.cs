using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tests.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Generators;

public sealed class LstmGeneratorTests
{
    private const int Padding = 0, Begin = 1, End = 2, Vocabulary = 7, Length = 5;
    private static readonly SequenceFormat _format = new(Vocabulary, Length, Begin, End, Padding);

    private static LstmGenerator Create(Feedback feedback = Feedback.Relaxed, bool noisy = false, int layers = 1, SequenceFormat? format = null) =>
        new(new LstmGeneratorOptions { Embedding = 3, Hidden = 4, Layers = layers, Feedback = feedback, NoisyInitialState = noisy },
            format ?? _format,
            new RandomKey(1));

    [Fact]
    public void Parameters_have_PyTorchs_names_and_shapes()
    {
        using LstmGenerator generator = Create(layers: 2);
        Assert.Equal(
            [
                "embedding.weight [7, 3]", "output.weight [7, 4]", "output.bias [7]",
                "cell0.weight_ih [16, 3]", "cell0.weight_hh [16, 4]", "cell0.bias_ih [16]", "cell0.bias_hh [16]",
                "cell1.weight_ih [16, 4]", "cell1.weight_hh [16, 4]", "cell1.bias_ih [16]", "cell1.bias_hh [16]",
            ],
            generator.named_parameters().Select(named => $"{named.name} [{string.Join(", ", named.parameter.shape)}]"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Probabilities_of_all_strings_that_end_within_the_length_and_of_those_that_do_not_sum_to_one(int layers)
    {
        // Every string over the four generated ids plus end, up to three tokens: a tree whose leaves partition all outcomes.
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(layers: layers);
        using IDisposable off = no_grad();
        int[] generated = [End, 3, 4, 5, 6];
        double total = 0;
        Visit([]);
        Assert.Equal(1, total, 1e-5);

        void Visit(long[] prefix)
        {
            if (prefix.Length == 3 || (prefix.Length > 0 && prefix[^1] == End))
            {
                total += Math.Exp(-generator.TokenNegativeLogLikelihood(tensor(prefix, [1, prefix.Length])).sum().item<float>());
                return;
            }

            foreach (int id in generated)
            {
                Visit([.. prefix, id]);
            }
        }
    }

    [Fact]
    public void Padding_has_no_loss_and_padding_and_begin_no_probability()
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create();
        Tensor losses = generator.TokenNegativeLogLikelihood(tensor(new long[] { 3, End, Padding, Padding }, [1, 4]));
        Assert.Equal([0f, 0f], losses.data<float>().ToArray()[2..]);
        Tensor probabilities = generator.Logits(tensor(new long[] { 3, 4 }, [1, 2])).softmax(-1);
        Assert.Equal(0, probabilities.select(2, Padding).sum().item<float>());
        Assert.Equal(0, probabilities.select(2, Begin).sum().item<float>());
    }

    [Theory]
    [InlineData(Feedback.Relaxed, "soft")]
    [InlineData(Feedback.Relaxed, "straight_through")]
    [InlineData(Feedback.Hard, "soft")]
    public void Relaxed_sequences_lie_on_the_simplex_and_are_padding_after_the_end(Feedback feedback, string relaxation)
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(feedback);
        RelaxedSequences samples = generator.Relax(64, 0.9, Relaxation.All.Named(relaxation), new RandomKey(9));
        Assert.Equal([64, Length, Vocabulary], samples.OneHots.shape);
        Assert.All(samples.OneHots.sum(-1).data<float>().ToArray(), sum => Assert.Equal(1f, sum, 1e-5f));
        long[] ids = samples.Ids.data<long>().ToArray();
        float[] mask = samples.Mask.data<float>().ToArray(), values = samples.OneHots.data<float>().ToArray();
        bool anyEnded = false;
        for (int row = 0; row < 64; row++)
        {
            bool ended = false;
            for (int t = 0; t < Length; t++)
            {
                int place = row * Length + t;
                Assert.Equal(ended ? 0f : 1f, mask[place]);
                Assert.Equal(ended, ids[place] == Padding);
                Assert.NotEqual(Begin, ids[place]);
                if (ended)
                {
                    Assert.Equal(1f, values[place * Vocabulary + Padding]);
                }

                ended |= ids[place] == End;
                anyEnded |= ended;
            }
        }

        Assert.True(anyEnded);
    }

    [Theory]
    [InlineData(Feedback.Relaxed, false)]
    [InlineData(Feedback.Relaxed, true)]
    public void The_gradient_through_a_whole_roll_out_equals_finite_differences(Feedback feedback, bool noisy)
    {
        // Smooth in the weights as long as no argmax flips, which steps this small do not cause.
        using LstmGenerator generator = Create(feedback, noisy);
        Tensor weights = randn([3, Length, Vocabulary], generator: new Generator(3));
        using (NewDisposeScope())
        {
            Loss().backward();
        }

        foreach ((string name, Parameter parameter) in generator.named_parameters())
        {
            using DisposeScope scope = NewDisposeScope();
            float[] gradient = parameter.grad!.data<float>().ToArray();
            for (int index = 0; index < gradient.Length; index += Math.Max(1, gradient.Length / 5))
            {
                const float Step = 2e-2f;
                double numeric = (8 * (At(index, Step / 2) - At(index, -Step / 2)) - (At(index, Step) - At(index, -Step))) / (6 * Step);
                Assert.True(Math.Abs(numeric - gradient[index]) < 2e-3 + 0.02 * Math.Abs(numeric),
                    $"{name}[{index}]: {gradient[index]} against {numeric}");
            }

            double At(int index, float by)
            {
                Span<float> values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(parameter.bytes);
                float before = values[index];
                values[index] = before + by;
                using DisposeScope inner = NewDisposeScope();
                double loss = Loss().item<float>();
                values[index] = before;
                return loss;
            }
        }

        Tensor Loss() => (generator.Relax(3, 1.5, SoftRelaxation.Entry, new RandomKey(31)).OneHots * weights).sum();
    }

    [Fact]
    public void Hard_samples_have_the_frequencies_of_the_models_own_probabilities()
    {
        using DisposeScope scope = NewDisposeScope();
        SequenceFormat two = _format with { Length = 2 };
        using LstmGenerator generator = Create(format: two);
        const int Draws = 40000;
        long[] ids = generator.Sample(Draws, 1, new RandomKey(77)).data<long>().ToArray();
        var counts = new Dictionary<(long, long), int>();
        for (int row = 0; row < Draws; row++)
        {
            (long, long) key = (ids[2 * row], ids[2 * row + 1]);
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }

        double statistic = 0;
        int cells = 0;
        foreach (long first in (long[])[End, 3, 4, 5, 6])
        {
            foreach (long second in first == End ? (long[])[Padding] : [End, 3, 4, 5, 6])
            {
                Tensor row = tensor(new[] { first, second }, [1, 2]);
                double expected = Draws * Math.Exp(-generator.TokenNegativeLogLikelihood(row).sum().item<float>());
                statistic += Math.Pow(counts.GetValueOrDefault((first, second)) - expected, 2) / expected;
                cells++;
            }
        }

        Assert.Equal(Draws, counts.Values.Sum());
        Assert.True(statistic < MathNet.Numerics.Distributions.ChiSquared.InvCDF(cells - 1, 0.999), $"chi-square {statistic} over {cells} cells");
    }

    [Fact]
    public void The_same_key_draws_the_same_samples_and_another_key_others()
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(noisy: true);
        long[] first = generator.Sample(50, 1, new RandomKey(1)).data<long>().ToArray();
        Assert.Equal(first, generator.Sample(50, 1, new RandomKey(1)).data<long>().ToArray());
        Assert.NotEqual(first, generator.Sample(50, 1, new RandomKey(2)).data<long>().ToArray());
    }

    [Theory]
    [InlineData(7, 5, 3, 4, 60, 1.0, false)]
    [InlineData(400, 6, 8, 20, 130, 0.7, true)]
    [InlineData(900, 4, 5, 140, 230, 2.0, false)]
    public void Each_drawn_token_is_where_its_uniform_number_meets_the_cumulative_probabilities(int vocabulary, int time, int embedding, int hidden,
        int batch, double temperature, bool noisy)
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = new(
            new LstmGeneratorOptions { Embedding = embedding, Hidden = hidden, NoisyInitialState = noisy },
                new SequenceFormat(vocabulary, time, Begin, End, Padding), new RandomKey(3));
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte,
            float>(generator.get_parameter("output.bias")!.bytes)[End] += MathF.Log(vocabulary) / 2;
        var key = new RandomKey(21);
        long[] ids = generator.Sample(batch, temperature, key).data<long>().ToArray();
        // Teacher forcing starts from zero states: with noisy ones only the threads can be compared, which the next test does.
        float[] probabilities = noisy ? [] : (generator.Logits(tensor(ids, [batch, time])) / temperature).softmax(-1).data<float>().ToArray();
        int ended = 0;
        for (int row = 0; row < batch; row++)
        {
            bool over = false;
            for (int t = 0; t < time; t++)
            {
                long token = ids[row * time + t];
                Assert.Equal(over, token == Padding);
                if (!over && !noisy)
                {
                    Philox.Block words = Philox.Generate(key.Derive((ulong)t).Value, 0, (ulong)row);
                    double uniform = (((ulong)(words.A >> 5) << 26) | (words.B >> 6)) * (1.0 / (1UL << 53)), before = 0;
                    ReadOnlySpan<float> distribution = probabilities.AsSpan((row * time + t) * vocabulary, vocabulary);
                    for (int other = 0; other < token; other++)
                    {
                        before += distribution[other];
                    }

                    Assert.InRange(uniform, before - 1e-5, before + distribution[(int)token] + 1e-5);
                }

                over |= token == End;
            }

            ended += over ? 1 : 0;
        }

        Assert.InRange(ended, 1, batch);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_sequence_is_the_same_in_a_larger_batch_and_on_other_threads(bool noisy)
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = new(new LstmGeneratorOptions { Embedding = 6, Hidden = 16, NoisyInitialState = noisy },
            new SequenceFormat(500, 6, Begin, End, Padding), new RandomKey(3));
        int threads = get_num_threads();
        long[] large = generator.Sample(160, 1, new RandomKey(4)).data<long>().ToArray();
        set_num_threads(threads + 1);
        long[] other = generator.Sample(160, 1, new RandomKey(4)).data<long>().ToArray(),
            small = generator.Sample(48, 1, new RandomKey(4)).data<long>().ToArray();
        set_num_threads(threads);
        Assert.Equal(large, other);
        Assert.Equal(large[..small.Length], small);
    }

    [Fact]
    public void A_long_run_of_draws_has_no_memory_along_a_sequence_or_from_one_to_the_next()
    {
        const int Draws = 40000, Steps = 12, Tokens = 4, Batches = 4;
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(format: SequenceFormat.FixedLength(Tokens, Steps, 0));
        using (no_grad())
        {
            // Every token as likely as every other, whatever came before: what depends on what is then the sampler's fault.
            generator.get_parameter("output.weight")!.zero_();
            generator.get_parameter("output.bias")!.zero_();
        }

        int[] ids = [.. Enumerable.Range(0, Batches).SelectMany(
            batch => generator.Sample(Draws / Batches, 1, new RandomKey(9).Derive((ulong)batch)).data<long>().ToArray()).Select(id => (int)id)];
        foreach (int lag in new[] { 1, 2, Steps - 1, Steps, 16 * Steps, 24 * Steps, Draws / Batches * Steps })
        {
            // Pairs that do not overlap, so that the counts are multinomial.
            int[] counts = new int[Tokens * Tokens];
            for (int i = 0; i + lag < ids.Length; i += 2 * lag)
            {
                for (int j = i; j < i + lag && j + lag < ids.Length; j++)
                {
                    counts[Tokens * ids[j] + ids[j + lag]]++;
                }
            }

            Reference.AssertChiSquare([.. counts.Select(_ => 1.0 / counts.Length)], counts);
        }
    }

    [Fact]
    public void Composed_sampling_has_the_same_frequencies_of_first_tokens_as_the_fused_one()
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(format: _format with { Length = 1 });
        const int Draws = 40000;
        long[] fused = generator.Sample(Draws, 0.8, new RandomKey(5)).data<long>().ToArray(),
            composed = generator.SampleComposed(Draws, 0.8, new RandomKey(6)).data<long>().ToArray();
        double statistic = 0;
        for (int token = End; token < Vocabulary; token++)
        {
            double a = fused.Count(id => id == token), b = composed.Count(id => id == token);
            statistic += (a - b) * (a - b) / (a + b);
        }

        Assert.True(statistic < MathNet.Numerics.Distributions.ChiSquared.InvCDF(Vocabulary - End - 1, 0.999), $"chi-square {statistic}");
    }

    [Fact]
    public void Sampling_near_temperature_zero_takes_the_most_likely_token_each_time()
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create();
        long[] ids = generator.Sample(20, 1e-6, new RandomKey(1)).data<long>().ToArray();
        Assert.All(ids.Chunk(Length), row => Assert.Equal(ids[..Length], row));
        long[] greedy = generator.Logits(tensor(ids[..Length], [1, Length])).argmax(-1).data<long>().ToArray();
        int end = Array.IndexOf(ids, End);
        int tokens = end < 0 ? Length : Math.Min(end + 1, Length);
        Assert.Equal(greedy[..tokens], ids[..tokens]);
    }

    [Fact]
    public void Fixed_length_sequences_use_every_id_and_have_no_padding()
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(format: SequenceFormat.FixedLength(4, 6, 0));
        RelaxedSequences samples = generator.Relax(200, 1, SoftRelaxation.Entry, new RandomKey(2));
        Assert.Equal(1200, samples.Mask.sum().item<float>());
        Assert.Equal([0L, 1L, 2L, 3L], samples.Ids.data<long>().ToArray().Distinct().Order());
    }
}
