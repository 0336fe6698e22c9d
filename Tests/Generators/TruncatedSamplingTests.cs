using System.Runtime.InteropServices;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tests.Extending;
using GumbelGan.Tests.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Generators;

/// <summary>Temperature, top-k, top-p and given beginnings, against the exact distribution of a generator small enough to list.</summary>
public sealed class TruncatedSamplingTests
{
    private const int Padding = 0, Begin = 1, End = 2, Vocabulary = 6, Length = 4, Draws = 20000;
    private static readonly SequenceFormat _format = new(Vocabulary, Length, Begin, End, Padding);

    public static TheoryData<string, double, int, double, int[]> Cases() => [.. from way in new[] { "fused", "composed", "two layers", "gru" }
        from rule in new (double Temperature, int TopK, double TopP)[] { (1, 2, 1), (0.7, 0, 0.8), (1.5, 3, 0.8), (1, 0, 1) }
        from prefix in new int[][] { [], [4], [3, 5] }
        select new TheoryDataRow<string, double, int, double, int[]>(way, rule.Temperature, rule.TopK, rule.TopP, prefix)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Frequencies_are_those_of_the_truncated_distribution(string way, double temperature, int topK, double topP, int[] prefix)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        using RecurrentGenerator generator = Create(way);
        var rule = new SamplingRule { Temperature = temperature, TopK = topK, TopP = topP };
        long[] ids = generator.Sample(Draws, rule, new RandomKey(5), prefix).data<long>().ToArray();
        var probabilities = new Dictionary<string, double>();
        Visit([.. prefix], 1);
        string[] all = [.. probabilities.Keys];
        var counts = all.ToDictionary(text => text, _ => 0);
        foreach (long[] row in ids.Chunk(Length))
        {
            // What the truncation leaves out is not among them.
            counts[string.Join(' ', row)]++;
        }

        Assert.Equal(1, probabilities.Values.Sum(), 1e-9);
        if (all.Length > 1)
        {
            Reference.AssertChiSquare([.. all.Select(text => probabilities[text])], [.. all.Select(text => counts[text])]);
        }

        void Visit(long[] tokens, double probability)
        {
            if (tokens.Length == Length || tokens.Contains(End))
            {
                probabilities[string.Join(' ', tokens.Concat(Enumerable.Repeat((long)Padding, Length - tokens.Length)))] = probability;
                return;
            }

            float[] logits = NextLogits(generator, tokens);
            float[] weights = [.. logits.Select(logit => (float)Math.Exp((logit - logits.Max()) / temperature))];
            float[] left = TruncationKernelTests.Reference(weights, topK, topP);
            for (int token = 0; token < Vocabulary; token++)
            {
                if (left[token] > 0)
                {
                    Visit([.. tokens, token], probability * left[token] / left.Sum(weight => (double)weight));
                }
            }
        }
    }

    [Theory]
    [InlineData("fused")]
    [InlineData("composed")]
    [InlineData("two layers")]
    [InlineData("gru")]
    public void Top_1_takes_the_most_likely_token_each_time_and_of_equal_ones_the_first(string way)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        using RecurrentGenerator generator = Create(way);
        var greedy = new SamplingRule { TopK = 1, Temperature = 3 };
        long[] ids = generator.Sample(50, greedy, new RandomKey(1), [5]).data<long>().ToArray();
        Assert.All(ids.Chunk(Length), row => Assert.Equal(ids[..Length], row));
        for (int t = 1; t < Length && ids[t] != Padding; t++)
        {
            float[] logits = NextLogits(generator, ids[..t]);
            Assert.Equal(Array.IndexOf(logits, logits.Max()), ids[t]);
        }

        // Without weights every token that may be generated is as likely as every other: the first of them is the end.
        generator.get_parameter("output.weight")!.zero_();
        generator.get_parameter("output.bias")!.zero_();
        Assert.All(generator.Sample(50, greedy, new RandomKey(1)).data<long>().ToArray().Chunk(Length),
            row => Assert.Equal([End, Padding, Padding, Padding], row));
        long[] two = generator.Sample(200, new SamplingRule { TopK = 2 }, new RandomKey(1)).data<long>().ToArray();
        Assert.Equal([End, 3], two.Where(id => id != Padding).Distinct().Order());
    }

    [Fact]
    public void The_greedy_completion_from_a_noisy_state_is_the_same_fused_and_composed()
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new LstmGenerator(new LstmGeneratorOptions { Embedding = 5, Hidden = 20, NoisyInitialState = true },
            new SequenceFormat(700, 9, Begin, End, Padding), new RandomKey(3));
        // The states decide much, so that rows differ.
        using (no_grad())
        {
            generator.get_parameter("output.weight")!.copy_(randn([700, 20], generator: new Generator(4)));
            // Forget nothing: the second quarter of the gates.
            generator.get_parameter("cell0.bias_ih")!.narrow(0, 20, 20).fill_(6);
        }

        var greedy = new SamplingRule { TopK = 1 };
        long[] fused = generator.Sample(40, greedy, new RandomKey(8), [7, 400, 3]).data<long>().ToArray();
        generator.IsComposed = true;
        Assert.Equal(generator.Sample(40, greedy, new RandomKey(8), [7, 400, 3]).data<long>().ToArray(), fused);
        Assert.True(fused.Chunk(9).Select(row => string.Join(' ', row)).Distinct().Count() > 10);
    }

    [Fact]
    public void A_rule_that_leaves_nothing_out_and_no_beginning_change_no_draw()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (string way in new[] { "fused", "composed" })
        {
            using RecurrentGenerator generator = Create(way);
            long[] plain = generator.Sample(300, 0.8, new RandomKey(5)).data<long>().ToArray();
            Assert.Equal(plain, generator.Sample(300, new SamplingRule { Temperature = 0.8 }, new RandomKey(5), []).data<long>().ToArray());
            Assert.Equal(plain, generator.Sample(300, new SamplingRule { Temperature = 0.8, TopK = Vocabulary, TopP = 0.9999999 }, new RandomKey(5))
                .data<long>().ToArray());
        }
    }

    [Theory]
    [InlineData(Length, 3)]
    [InlineData(1, End)]
    [InlineData(1, Padding)]
    [InlineData(1, Begin)]
    [InlineData(1, Vocabulary)]
    [InlineData(1, -1)]
    public void What_no_sequence_begins_with_is_refused(int tokens, int token)
    {
        using RecurrentGenerator generator = Create("fused");
        Assert.Throws<ArgumentException>(() => generator.Sample(2, 1, new RandomKey(1), [.. Enumerable.Repeat(token, tokens)]));
    }

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(1, -1, 1)]
    [InlineData(1, 0, 0)]
    [InlineData(1, 0, 1.5)]
    public void What_is_no_rule_is_refused(double temperature, int topK, double topP)
    {
        using RecurrentGenerator generator = Create("fused");
        Assert.Throws<ArgumentOutOfRangeException>(
            () => generator.Sample(2, new SamplingRule { Temperature = temperature, TopK = topK, TopP = topP }, new RandomKey(1)));
    }

    [Theory]
    [InlineData("fused")]
    [InlineData("composed")]
    [InlineData("gru")]
    public void The_likelihoods_of_sequences_are_sums_over_their_tokens(string way)
    {
        using DisposeScope scope = NewDisposeScope();
        using RecurrentGenerator generator = Create(way);
        Tensor ids = generator.Sample(70, 1, new RandomKey(2));
        double[] expected = generator.TokenNegativeLogLikelihood(ids).to(ScalarType.Float64).sum(1).data<double>().ToArray();
        double[] found = generator.SequenceNegativeLogLikelihoods(ids);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.Equal(generator.SumNegativeLogLikelihood(ids), found.Sum(), 1e-9);
    }

    private static RecurrentGenerator Create(string way)
    {
        RecurrentGenerator generator = way == "gru"
            ? new GruGenerator(new GruGeneratorOptions { Embedding = 3, Hidden = 5 }, _format, new RandomKey(6))
            : new LstmGenerator(new LstmGeneratorOptions { Embedding = 3, Hidden = 5, Layers = way == "two layers" ? 2 : 1 }, _format,
                new RandomKey(1));
        generator.IsComposed = way == "composed";
        foreach ((string _, Parameter parameter) in generator.named_parameters())
        {
            // Far from uniform, so that what stays differs from place to place.
            foreach (ref float value in MemoryMarshal.Cast<byte, float>(parameter.bytes))
            {
                value *= 3;
            }
        }

        return generator;
    }

    private static float[] NextLogits(RecurrentGenerator generator, long[] tokens) =>
        generator.Logits(tensor([.. tokens, End], [1, tokens.Length + 1])).data<float>().ToArray()[^Vocabulary..];
}
