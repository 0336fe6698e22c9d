using System.Runtime.InteropServices;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Discriminators;
using GumbelGan.Tests.Training;
using GumbelGan.Training.Configuration;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Generators;

/// <summary>Ending as a decision with a gradient, on a model whose strings can be enumerated.</summary>
public sealed class EndingTests(ITestOutputHelper output)
{
    private const int Vocabulary = 6, Length = 5, End = 2;

    public static TheoryData<string> Kinds => [.. DiscriminatorKind.All.Select(kind => kind.Name)];

    private static LstmGenerator Generator(Ending ending, Feedback feedback = Feedback.Relaxed)
    {
        var generator = new LstmGenerator(new LstmGeneratorOptions { Embedding = 5, Hidden = 7, Feedback = feedback, Ending = ending },
            new SequenceFormat(Vocabulary, Length, 1, End, 0), new RandomKey(1));
        using IDisposable off = no_grad();
        // Sharper than at birth, and fond of ending.
        _ = generator.get_parameter("output.weight")!.mul_(4);
        _ = generator.get_parameter("output.bias")!.narrow(0, End, 1).add_(1);
        return generator;
    }

    private static Discriminator Judge(string kind)
    {
        Discriminator judge = DiscriminatorTests.Options(kind, 6, 8, [1, 2, 3], 0).Create(Vocabulary, 0, new RandomKey(5));
        using (no_grad())
        {
            _ = judge.get_parameter("output.weight")!.mul_(3);
        }

        judge.SetTrainable(false);
        return judge;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Hard_samples_have_the_tokens_and_exactly_the_scores_that_they_have_with_a_mask(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator judge = Judge(kind);
        foreach (Relaxation relaxation in Relaxation.All.Where(relaxation => relaxation.IsHard))
        {
            using LstmGenerator masked = Generator(Ending.Mask), graded = Generator(Ending.Gradient);
            RelaxedSequences expected = masked.Relax(50, 0.8, relaxation, new RandomKey(3)),
                found = graded.Relax(50, 0.8, relaxation, new RandomKey(3));
            Assert.Equal(expected.Ids.data<long>().ToArray(), found.Ids.data<long>().ToArray());
            Assert.Equal(expected.Mask.data<float>().ToArray(), found.Mask.data<float>().ToArray());
            Assert.True(found.Mask.requires_grad && !expected.Mask.requires_grad);
            judge.IsTwiceDifferentiable = true; // the composed operations on either side, for the same bits
            Assert.Equal(judge.Score(expected.OneHots, expected.Mask).data<float>().ToArray(),
                judge.Score(found.OneHots, found.Mask).data<float>().ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Soft_samples_come_to_the_scores_of_the_mask_as_the_temperature_falls(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator judge = Judge(kind);
        using LstmGenerator masked = Generator(Ending.Mask), graded = Generator(Ending.Gradient);
        Assert.True(Difference(1) > 0.01);
        Assert.Equal(0, Difference(1e-4), 1e-4);

        double Difference(double temperature)
        {
            RelaxedSequences a = masked.Relax(20, temperature, SoftRelaxation.Entry, new RandomKey(4)),
                b = graded.Relax(20, temperature, SoftRelaxation.Entry, new RandomKey(4));
            return (judge.Score(a.OneHots, a.Mask) - judge.Score(b.OneHots, b.Mask)).abs().max().item<float>();
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_gradient_of_the_score_with_respect_to_the_weights_of_places_equals_finite_differences(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator judge = Judge(kind);
        Tensor embedded = randn([2, 6, 6], generator: new Generator(1));
        float[] start = [1, 0.9f, 0.7f, 0.4f, 0.3f, 0.1f, 1, 0.6f, 0.5f, 0.45f, 0.2f, 0.05f];
        Tensor mask = tensor(start, [2, 6], requires_grad: true);
        judge.ScoreEmbedded(embedded, mask).sum().backward();
        float[] gradient = mask.grad!.data<float>().ToArray();
        for (int i = 0; i < start.Length; i++)
        {
            Assert.Equal((At(i, 2e-3f) - At(i, -2e-3f)) / 4e-3, gradient[i], 3e-3);
        }

        Assert.True(gradient.Count(value => value != 0) > 6);

        double At(int index, float by)
        {
            float[] moved = [.. start];
            moved[index] += by;
            return judge.ScoreEmbedded(embedded, tensor(moved, [2, 6])).sum().item<float>();
        }
    }

    [Fact]
    public void The_gradient_of_the_score_of_soft_samples_with_respect_to_every_parameter_equals_finite_differences()
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator judge = Judge("lstm");
        using LstmGenerator generator = Generator(Ending.Gradient);
        Score().backward();
        foreach ((string name, Parameter parameter) in generator.named_parameters())
        {
            float[] gradient = parameter.grad!.data<float>().ToArray();
            for (int index = 0; index < gradient.Length; index += Math.Max(1, gradient.Length / 7))
            {
                const float Step = 1e-2f;
                double numeric = (8 * (At(index, Step) - At(index, -Step)) - (At(index, 2 * Step) - At(index, -2 * Step))) / (12 * Step);
                Assert.True(Math.Abs(numeric - gradient[index]) < 2e-4 + 0.01 * Math.Abs(numeric),
                    $"{name}[{index}]: {gradient[index]} against {numeric}");
            }

            double At(int index, float by)
            {
                Span<float> values = MemoryMarshal.Cast<byte, float>(parameter.bytes);
                float before = values[index];
                values[index] = before + by;
                using DisposeScope inner = NewDisposeScope();
                double score = Score().item<float>();
                values[index] = before;
                return score;
            }
        }

        Tensor Score()
        {
            RelaxedSequences samples = generator.Relax(8, 1.2, SoftRelaxation.Entry, new RandomKey(31));
            return judge.Score(samples.OneHots, samples.Mask).mean();
        }
    }

    /// <summary>The table of docs/estimators.md: scripts/test.sh -class '*EndingTests' -showLiveOutput.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void With_a_gradient_the_mean_estimate_of_every_relaxation_lies_nearer_to_the_enumerated_gradient_most_of_all_for_the_end(string kind)
    {
        using DisposeScope scope = NewDisposeScope();
        using Discriminator judge = Judge(kind);
        using LstmGenerator model = Generator(Ending.Mask);
        Dictionary<string, Tensor> exact = Enumerated(model, judge);
        output.WriteLine($"{kind}: relaxation, temperature: cosine, relative error, share of the end's gradient; mask | gradient");
        foreach (Relaxation relaxation in Relaxation.All)
        {
            // ReinMax is made for temperatures of 1 and above.
            double temperature = relaxation is ReinMaxRelaxation ? 1 : 0.7;
            (double Cosine, double Error, double End) masked = Estimate(Ending.Mask), graded = Estimate(Ending.Gradient);
            output.WriteLine(FormattableString.Invariant($"{relaxation.Name}, {temperature}: {masked.Cosine:F3} {masked.Error:F2} {masked.End:F2} | ")
                + FormattableString.Invariant($"{graded.Cosine:F3} {graded.Error:F2} {graded.End:F2}"));
            Assert.True(graded.Cosine > masked.Cosine && graded.Error < masked.Error);
            Assert.True(Math.Abs(Math.Log(graded.End)) < Math.Abs(Math.Log(Math.Max(masked.End, 1e-9))));

            (double Cosine, double Error, double End) Estimate(Ending ending)
            {
                const int Batch = 4000;
                const ulong Batches = 2;
                using DisposeScope inner = NewDisposeScope();
                using LstmGenerator generator = Generator(ending);
                for (ulong batch = 0; batch < Batches; batch++)
                {
                    using DisposeScope one = NewDisposeScope();
                    RelaxedSequences samples = generator.Relax(Batch, temperature, relaxation, new RandomKey(100 + batch));
                    (judge.Score(samples.OneHots, samples.Mask).mean() / (double)Batches).backward();
                }

                Dictionary<string, Tensor> found = Gradients(generator);
                Tensor truth = cat([.. exact.Values.Select(value => value.flatten())]),
                    mean = cat([.. exact.Keys.Select(name => found[name].flatten())]);
                return ((truth.dot(mean) / truth.norm() / mean.norm()).item<float>(), ((mean - truth).norm() / truth.norm()).item<float>(),
                    found["output.bias"][End].item<float>() / exact["output.bias"][End].item<float>());
            }
        }
    }

    [Theory]
    [InlineData("lstm", "soft")]
    [InlineData("cnn", "straight_through")]
    [InlineData("lstm", "gumbel_rao")]
    public void A_run_with_it_trains_and_has_a_method_name_of_its_own(string kind, string relaxation)
    {
        using var run = new TemporaryRun();
        RunConfig config =
            run.Config("adversarial.steps=5", "adversarial.discriminator_warm_up_steps=2", "recording.every=1", "generator.ending=gradient",
            $"discriminator.kind={kind}", $"adversarial.relaxation={relaxation}", "adversarial.loss=wasserstein", "adversarial.gradient_penalty=10");
        run.Train(config);
        MetricsRecord[] adversarial = [.. MetricsJournal.Read(Path.Combine(run.Run, "metrics.jsonl"))
            .Where(record => record.Phase == "adversarial" && record.Scalars.ContainsKey("loss/generator"))];
        Assert.Equal(5, adversarial.Length);
        Assert.All(adversarial, record => Assert.True(record.Scalars.Values.All(double.IsFinite)));
        Assert.Equal($"gumbel{Relaxation.All.Named(relaxation).MethodSuffix}-ending", config.Objective.MethodName(config));
    }

    private static Dictionary<string, Tensor> Gradients(LstmGenerator generator) =>
        generator.named_parameters().ToDictionary(named => named.name, named => named.parameter.grad!.clone());

    // The gradient of the mean score over all strings, each with its probability.
    private static Dictionary<string, Tensor> Enumerated(LstmGenerator generator, Discriminator judge)
    {
        var strings = new List<long[]>();
        Visit([]);
        Tensor ids = tensor(strings.SelectMany(text => text).ToArray(), [strings.Count, Length]);
        Tensor probabilities = generator.TokenNegativeLogLikelihood(ids).sum(1).neg().exp(); // [strings]
        Assert.Equal(1, probabilities.sum().item<float>(), 1e-4f);
        (probabilities * judge.Score(ids).detach()).sum().backward();
        return Gradients(generator);

        void Visit(long[] prefix)
        {
            if (prefix.Length == Length || prefix is [.., End])
            {
                strings.Add([.. prefix, .. new long[Length - prefix.Length]]);
                return;
            }

            foreach (long id in new long[] { End, 3, 4, 5 })
            {
                Visit([.. prefix, id]);
            }
        }
    }
}
