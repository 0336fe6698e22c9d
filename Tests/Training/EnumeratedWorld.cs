using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training;

/// <summary>A small generator and a sharp discriminator, with every sequence, its probability and its score.</summary>
internal sealed class EnumeratedWorld : IDisposable
{
    public const int Time = 4, Batch = 32;
    private const int First = 2, Vocabulary = 6;
    private readonly Tensor _all;

    public EnumeratedWorld()
    {
        Generator = new LstmGenerator(new LstmGeneratorOptions { Embedding = 3, Hidden = 4 }, Format, new RandomKey(21));
        Discriminator = new LstmDiscriminatorOptions { Embedding = 3, Hidden = 5 }.Create(Vocabulary, 0, new RandomKey(22));
        Discriminator.SetTrainable(false);
        using (no_grad())
        {
            // Rewards well apart from each other: a gradient worth estimating.
            Discriminator.get_parameter("output.weight")!.mul_(20);
        }

        List<long[]> sequences = [];
        Extend([]);
        _all = tensor(sequences.SelectMany(row => row).ToArray(), [sequences.Count, Time]);
        Sequences = [.. sequences.Select(row => string.Concat(row))];
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        Probabilities = [.. (-Generator.TokenNegativeLogLikelihood(_all).sum(1)).exp().data<float>().ToArray().Select(value => (double)value)];
        Assert.Equal(121, Sequences.Length);
        Assert.Equal(1, Probabilities.Sum(), 1e-5);

        void Extend(long[] prefix)
        {
            if (prefix.Length == Time || (prefix.Length > 0 && prefix[^1] == Format.EndId))
            {
                sequences.Add([.. prefix, .. Enumerable.Repeat((long)Format.PaddingId!, Time - prefix.Length)]);
                return;
            }

            for (long id = First; id < Vocabulary; id++)
            {
                Extend([.. prefix, id]);
            }
        }
    }

    public static SequenceFormat Format { get; } = new(Vocabulary, Time, 1, 2, 0);

    public LstmGenerator Generator { get; }

    public Discriminator Discriminator { get; }

    public string[] Sequences { get; }

    public double[] Probabilities { get; }

    /// <summary>The reward of each sequence, at each of its places.</summary>
    public double[][] SequenceRewards => [.. Scores(_all).Select(score => Enumerable.Repeat(1 / (1 + Math.Exp(-score)), Time).ToArray())];

    /// <summary>The raw score of each sequence.</summary>
    public double[] SequenceScores => Scores(_all);

    /// <summary>Sum over later prefixes of discount^distance (2 D - 1), or another reward, each prefix scored on its own.</summary>
    public double[][] DiscountedReturns(double discount, Func<double, double>? reward = null)
    {
        reward ??= score => 2 / (1 + Math.Exp(-score)) - 1;
        long[] ids = _all.data<long>().ToArray();
        return [.. Sequences.Select((_, row) =>
        {
            long[] sequence = ids[(row * Time)..((row + 1) * Time)];
            double[] rewards = [.. Enumerable.Range(0, Time).Select(t =>
                sequence[t] == Format.PaddingId
                    ? 0 : reward(Scores(tensor([.. sequence[..(t + 1)], .. new long[Time - t - 1]], [1, Time]))[0]))];
            return Enumerable.Range(0, Time)
                .Select(t => Enumerable.Range(t, Time - t).Sum(s => Math.Pow(discount, s - t) * rewards[s])).ToArray();
        })];
    }

    /// <summary>The gradient of the loss: minus the sum over sequences x and places t of p(x) return(x, t) grad log p(x_t | before).</summary>
    public double[] ExactGradient(double[][] returns)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weights =
            tensor([.. returns.SelectMany((row, x) => row.Select(value => (float)(value * Probabilities[x])))], [Sequences.Length, Time]);
        Generator.zero_grad();
        (weights * Generator.TokenNegativeLogLikelihood(_all)).sum().backward();
        return Gradients();
    }

    /// <summary>A game of generator and discriminator, without real sequences.</summary>
    public ReinforceObjective Objective(ReinforceOptions options) => new(Parts(new RunConfig { Reinforce = options }));

    /// <summary>What any objective is made of, without real sequences.</summary>
    public TrainingParts Parts(RunConfig config)
    {
        var none = new RealSequences(_ => throw new InvalidOperationException("Nothing real is asked for."), 1);
        return new TrainingParts(config, Generator, Discriminator, none, none);
    }

    /// <summary>The gradient of one batch.</summary>
    public double[] Gradient(AdversarialObjective objective, ulong batch, int size = Batch)
    {
        using DisposeScope scope = NewDisposeScope();
        Generator.zero_grad();
        objective.GeneratorLoss(objective.Generate(size, 1, new RandomKey(77).Derive(batch)), zeros(size)).Loss.backward();
        return Gradients();
    }

    /// <summary>The mean of the gradients of batches, and the standard error of each of its entries.</summary>
    public (double[] Mean, double[] Error) MeanGradient(AdversarialObjective objective, int batches, int size = Batch)
    {
        double[][] gradients = [.. Enumerable.Range(0, batches).Select(batch => Gradient(objective, (ulong)batch, size))];
        double[] mean = [.. gradients[0].Select((_, i) => gradients.Average(gradient => gradient[i]))];
        return (mean,
            [.. mean.Select((value, i) => Math.Sqrt(gradients.Sum(gradient => Math.Pow(gradient[i] - value, 2)) / (batches - 1.0) / batches))]);
    }

    /// <summary>Requires that a mean lies where the exact one does, as far as its standard errors tell.</summary>
    public static void AssertWithinErrors(double[] mean, double[] error, double[] exact)
    {
        double[] distances = [.. Enumerable.Range(0, mean.Length).Where(i => error[i] > 1e-9).Select(i => (mean[i] - exact[i]) / error[i])];
        Assert.True(distances.Length > mean.Length / 2);
        Assert.All(distances, distance => Assert.InRange(distance, -5, 5));
        Assert.InRange(distances.Average(distance => distance * distance), 0.1, 2.5);
        Assert.All(Enumerable.Range(0, mean.Length).Where(i => error[i] <= 1e-9), i => Assert.Equal(exact[i], mean[i], 1e-6));
    }

    public void Dispose()
    {
        _all.Dispose();
        Generator.Dispose();
        Discriminator.Dispose();
    }

    private double[] Scores(Tensor ids)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        return [.. Discriminator.Score(ids).data<float>().ToArray().Select(value => (double)value)];
    }

    private double[] Gradients() =>
        [.. Generator.parameters().SelectMany(parameter => parameter.grad!.data<float>().ToArray().Select(value => (double)value))];
}
