using GumbelGan.Discriminators;
using GumbelGan.Generators;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>
/// A generator so small that all its sequences can be enumerated, and a frozen discriminator. The expected reward, and its gradient with respect to
/// every parameter of the generator, are sums over all sequences in double precision: nothing is sampled.
/// </summary>
/// <remarks>N sequences, T time, P parameters in the order of <c>named_parameters</c>, flattened.</remarks>
public sealed class ExactGame : IDisposable
{
    private const int PieceRows = 8192;
    private readonly Tensor _probabilities, _rewards;

    private ExactGame(LstmGenerator generator, Discriminator discriminator, Reward reward, StringSpace strings, Tensor probabilities, Tensor rewards,
        Tensor gradient)
    {
        (Generator, Discriminator, Reward, Strings) = (generator, discriminator, reward, strings);
        (_probabilities, _rewards, Gradient) =
            (probabilities.DetachFromDisposeScope(), rewards.DetachFromDisposeScope(), gradient.DetachFromDisposeScope());
    }

    /// <summary>The generator, in double precision.</summary>
    public LstmGenerator Generator { get; }

    /// <summary>The discriminator, in double precision and frozen.</summary>
    public Discriminator Discriminator { get; }

    /// <summary>The reward of a score.</summary>
    public Reward Reward { get; }

    /// <summary>Every sequence.</summary>
    public StringSpace Strings { get; }

    /// <summary>The gradient of the expected reward, [P] of float64.</summary>
    public Tensor Gradient { get; }

    /// <summary>The probability of each sequence, [N] of float64.</summary>
    public Tensor Probabilities => _probabilities;

    /// <summary>The reward of each sequence, [N] of float64.</summary>
    public Tensor Rewards => _rewards;

    /// <summary>The expected reward.</summary>
    public double ExpectedReward => Expectation(_rewards);

    /// <summary>The entropy of the generator's distribution over sequences, in nats.</summary>
    public double Entropy
    {
        get
        {
            using DisposeScope scope = NewDisposeScope();
            return -_probabilities.xlogy(_probabilities).sum().item<double>();
        }
    }

    /// <summary>Copies both networks in double precision, and enumerates probabilities, rewards and the gradient.</summary>
    /// <param name="generator">Of any number of layers, without a noisy initial state.</param>
    /// <param name="discriminator">A discriminator of sequences of the generator's format.</param>
    /// <param name="reward">The reward of a score.</param>
    /// <param name="isStandardised">Whether the reward's centre and width are replaced by the score's mean and deviation under the generator.</param>
    /// <exception cref="Storage.UserMistakeException">There are too many sequences.</exception>
    public static ExactGame Of(LstmGenerator generator, Discriminator discriminator, Reward reward, bool isStandardised = false)
    {
        var strings = StringSpace.Of(generator.Format);
        LstmGenerator twin = DoublePrecision.Copy(generator);
        Discriminator judge = DoublePrecision.Copy(discriminator, generator.Format);
        using DisposeScope scope = NewDisposeScope();
        Tensor probabilities, scores;
        using (no_grad())
        {
            probabilities = cat([.. strings.Pieces(PieceRows).Select(piece => Kept(ProbabilityOf(twin, piece.Ids)))]); // [N]
            scores = cat([.. strings.Pieces(PieceRows).Select(piece => Kept(judge.Score(piece.Ids)))]); // [N]
        }

        if (isStandardised)
        {
            double mean = (probabilities * scores).sum().item<double>(),
                deviation = Math.Sqrt((probabilities * (scores - mean).square()).sum().item<double>());
            reward = reward with { Centre = mean, Width = deviation > 0 ? deviation : 1 };
        }

        Tensor rewards = reward.Of(scores);
        return new ExactGame(twin, judge, reward, strings, probabilities, rewards, ExactGradient(twin, strings, rewards));
    }

    /// <summary>The expectation of a function of the sequence.</summary>
    /// <param name="values">[N] of float64.</param>
    public double Expectation(Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        return (_probabilities * values).sum().item<double>();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[Generator, Discriminator, _probabilities, _rewards, Gradient])
        {
            part.Dispose();
        }
    }

    // The gradient of sum over x of p(x) D(x), through p itself: the truth does not rely on the score-function identity that it is to check.
    private static Tensor ExactGradient(LstmGenerator generator, StringSpace strings, Tensor rewards)
    {
        Parameter[] parameters = [.. generator.parameters()];
        foreach ((int start, Tensor ids) in strings.Pieces(PieceRows))
        {
            (ProbabilityOf(generator, ids) * rewards.narrow(0, start, ids.shape[0])).sum().backward();
        }

        Tensor gradient = cat([.. parameters.Select(parameter => parameter.grad!.reshape(-1))]); // [P]
        foreach (Parameter parameter in parameters)
        {
            parameter.grad = null;
        }

        return gradient;
    }

    private static Tensor ProbabilityOf(LstmGenerator generator, Tensor ids) => generator.TokenNegativeLogLikelihood(ids).sum(1).neg().exp(); // [B]

    private static Tensor Kept(Tensor values) => values.MoveToOuterDisposeScope();
}
