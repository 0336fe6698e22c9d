using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Tests.Kernels;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Generators;

/// <summary>Likelihoods, and gradients through roll-outs, against loops in double precision and their finite differences.</summary>
public sealed class RolloutByHandTests
{
    private const int Vocabulary = 5, Time = 4, Width = 3;
    private const double Step = 1e-5;
    private static readonly RandomKey _noise = new(8);

    private static LstmGenerator Create(int layers, Feedback feedback) => new(
        new LstmGeneratorOptions { Embedding = 3, Hidden = 4, Layers = layers, Feedback = feedback },
        SequenceFormat.FixedLength(Vocabulary, Time, 0), new RandomKey(3));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Likelihood_and_every_gradient_of_it_are_those_of_the_loops(int layers)
    {
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(layers, Feedback.Relaxed);
        long[] ids = [4, 1, 3, 2];
        Tensor loss = generator.MeanNegativeLogLikelihood(tensor(ids, [1, Time]));
        loss.backward();
        var reference = new ReferenceRollout(generator);
        Assert.Equal(reference.NegativeLogLikelihood(ids) / Time, loss.item<float>(), 1e-5);
        AssertGradients(generator, reference, () => reference.NegativeLogLikelihood(ids) / Time, _ => false);
    }

    public static TheoryData<int, Feedback, bool> Rollouts => new()
    {
        { 1, Feedback.Relaxed, false }, { 1, Feedback.Relaxed, true }, { 1, Feedback.Hard, false }, { 1, Feedback.Hard, true },
        { 2, Feedback.Relaxed, false }, { 2, Feedback.Relaxed, true }, { 2, Feedback.Hard, true },
    };

    // The straight-through sample is the hard one plus what the soft one changes: that is what its gradient is the gradient of.
    [Theory]
    [MemberData(nameof(Rollouts))]
    public void The_gradient_of_a_roll_out_is_that_of_the_loops(int layers, Feedback feedback, bool isStraightThrough)
    {
        const double Temperature = 0.8;
        using DisposeScope scope = NewDisposeScope();
        using LstmGenerator generator = Create(layers, feedback);
        Relaxation relaxation = isStraightThrough ? StraightThroughRelaxation.Entry : SoftRelaxation.Entry;
        using IRollout rollout = generator.RollOut(1, Width, 1, relaxation);
        Tensor table = randn([Vocabulary, Width], generator: new Generator(4)), weights = randn([1, Time, Width], generator: new Generator(5));
        rollout.Generate(table, Temperature, _noise);
        Tensor score = (rollout.Embedded(table, throughGenerator: true).Embedded * weights).sum();
        score.backward();

        var reference = new ReferenceRollout(generator);
        double[][] noise = [.. Enumerable.Range(0, Time).Select(Noise)];
        double[] worth = [.. table.mm(weights[0].t()).data<float>().ToArray().Select(value => (double)value)]; // [V, T]
        double[][] soft = new double[Time][];
        _ = Score(null);
        double[][] at = [.. soft];
        Assert.Equal(Score(null), score.item<float>(), 1e-4);
        AssertGradients(generator, reference, () => Score(at), name => feedback == Feedback.Hard && name == "embedding.weight");

        // With the rows at the point where the gradient is taken, what does not move stays as it was there.
        double Score(double[][]? point)
        {
            double total = 0;
            reference.Logits(Time, (t, logits) =>
            {
                soft[t] = Reference.Softmax([.. logits.Zip(noise[t], (logit, gumbel) => logit + gumbel)], Temperature);
                double[] fixedSoft = point?[t] ?? soft[t], hard = reference.OneHot(Array.IndexOf(fixedSoft, fixedSoft.Max()));
                double[] sample = isStraightThrough ? [.. soft[t].Select((value, v) => hard[v] + value - fixedSoft[v])] : soft[t];
                total += sample.Select((value, v) => value * worth[v * Time + t]).Sum();
                return feedback == Feedback.Hard ? hard : sample;
            });
            return total;
        }
    }

    private static double[] Noise(int t)
    {
        float[] values = new float[Vocabulary];
        GumbelNoise.Fill(_noise.Derive((ulong)t), 0, values);
        return [.. values.Select(value => (double)value)];
    }

    private static void AssertGradients(LstmGenerator generator, ReferenceRollout reference, Func<double> value, Func<string, bool> isLeftOut)
    {
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in generator.named_parameters().Where(named => !isLeftOut(named.name)))
        {
            float[] gradient = parameter.grad!.data<float>().ToArray();
            double[] weights = reference.Weights[name];
            for (int i = 0; i < weights.Length; i++)
            {
                double old = weights[i];
                weights[i] = old + Step;
                double above = value();
                weights[i] = old - Step;
                double below = value();
                weights[i] = old;
                double numeric = (above - below) / (2 * Step);
                Assert.True(Math.Abs(numeric - gradient[i]) < 2e-4 + 1e-3 * Math.Abs(numeric), $"{name}[{i}]: {gradient[i]} against {numeric}");
            }
        }
    }
}
