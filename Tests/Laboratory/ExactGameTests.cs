using GumbelGan.Generators;
using GumbelGan.Laboratory;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Laboratory;

public sealed class ExactGameTests
{
    [Theory]
    [InlineData(3, 4, false, 81)]
    [InlineData(2, 7, false, 128)]
    [InlineData(4, 3, true, 40)]
    [InlineData(2, 5, true, 6)]
    public void Every_sequence_is_enumerated_once_and_the_probabilities_sum_to_one(int vocabulary, int length, bool ends, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(vocabulary, length, ends);
        using ExactGame exact = game.Exact();
        Assert.Equal(count, exact.Strings.Count);
        string[] rows =
            [.. exact.Strings.Pieces(7).SelectMany(piece => Enumerable.Range(0, (int)piece.Ids.shape[0])
            .Select(row => string.Join(' ', piece.Ids[row].data<long>().ToArray())).ToArray())];
        Assert.Equal(count, rows.Distinct().Count());
        Assert.Equal(1, exact.Probabilities.sum().item<double>(), 1e-12);
    }

    [Fact]
    public void The_enumerated_probabilities_are_the_frequencies_of_samples()
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(3, 3, ends: true);
        using ExactGame exact = game.Exact();
        const int Draws = 40000;
        string Text(Tensor row) => string.Join(' ', row.data<long>().ToArray());
        Dictionary<string, int> counts = [];
        Tensor samples = game.Generator.Sample(Draws, 1, new RandomKey(8));
        for (int i = 0; i < Draws; i++)
        {
            using DisposeScope row = NewDisposeScope();
            string text = Text(samples[i]);
            counts[text] = counts.GetValueOrDefault(text) + 1;
        }

        string[] strings = [.. exact.Strings.Pieces(100)
            .SelectMany(piece => Enumerable.Range(0, (int)piece.Ids.shape[0]).Select(i => Text(piece.Ids[i])).ToArray())];
        Assert.Empty(counts.Keys.Except(strings));
        double[] probabilities = exact.Probabilities.data<double>().ToArray();
        double chiSquare =
            strings.Select((text, i) => Math.Pow(counts.GetValueOrDefault(text) - Draws * probabilities[i], 2) / (Draws * probabilities[i])).Sum();
        // 14 degrees of freedom; the 0.001 quantile is 36.1.
        Assert.Equal(15, strings.Length);
        Assert.InRange(chiSquare, 0, 36.1);
    }

    [Fact]
    public void Too_many_sequences_are_refused_in_a_sentence() =>
        Assert.Contains("too many", Assert.Throws<UserMistakeException>(() => StringSpace.Of(SequenceFormat.FixedLength(50, 20, 0))).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData(false, "lstm", 1)]
    [InlineData(true, "cnn", 1)]
    [InlineData(true, "lstm", 0)]
    public void The_exact_gradient_is_the_slope_of_the_enumerated_expected_reward(bool ends, string discriminator, double sharpness)
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(3, 3, ends, discriminator);
        using ExactGame exact = game.Exact(new Reward(sharpness));
        Reward reward = exact.Reward;
        double[] gradient = exact.Gradient.data<double>().ToArray();
        double longest = exact.Gradient.norm().item<double>();
        int first = 0;
        foreach (Parameter parameter in game.Generator.parameters())
        {
            Tensor flat = parameter.detach().reshape(-1);
            foreach (int place in new[] { 0, (int)flat.shape[0] / 2, (int)flat.shape[0] - 1 })
            {
                (double above, double high) = Moved(1f / 256);
                (double below, double low) = Moved(-1f / 256);
                Assert.Equal((high - low) / (above - below), gradient[first + place], 2e-5 * Math.Max(longest, 0.1));

                (double Weight, double Expected) Moved(float step)
                {
                    float before = flat[place].item<float>();
                    using (no_grad())
                    {
                        flat[place] = before + step;
                    }

                    double weight = flat[place].item<float>();
                    using ExactGame moved = ExactGame.Of(game.Generator, game.Discriminator, reward);
                    using (no_grad())
                    {
                        flat[place] = before;
                    }

                    return (weight, moved.ExpectedReward);
                }
            }

            first += (int)parameter.numel();
        }
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public void The_sum_of_per_sequence_gradients_of_log_probabilities_is_the_generators_own(bool ends, int layers)
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(4, 3, ends, layers: layers);
        using ExactGame exact = game.Exact();
        Tensor ids = exact.Strings.Pieces(1000).Select(piece => piece.Ids.MoveToOuterDisposeScope()).Single();
        Tensor weights = linspace(-1, 2, ids.shape[0], ScalarType.Float64);
        var each = new PerSequenceGenerator(exact.Generator, ids.shape[0]);
        Tensor rows = each.Gradients(each.LogProbability(ids));
        Tensor whole = OwnGradient(exact.Generator, -(exact.Generator.TokenNegativeLogLikelihood(ids).sum(1) * weights).sum());
        Assert.True(rows.norm().item<double>() > 1);
        Assert.Equal(0, (weights.unsqueeze(0).mm(rows).squeeze(0) - whole).norm().item<double>(), 1e-10);
    }

    [Theory]
    [InlineData("soft", Feedback.Relaxed, false)]
    [InlineData("soft", Feedback.Hard, true)]
    [InlineData("straight_through", Feedback.Relaxed, true)]
    [InlineData("straight_through", Feedback.Hard, false)]
    public void The_sum_of_per_sequence_gradients_of_relaxed_samples_is_the_generators_own(string name, Feedback feedback, bool ends)
    {
        using DisposeScope scope = NewDisposeScope();
        using var game = new SmallGame(4, 4, ends, feedback: feedback);
        using ExactGame exact = game.Exact();
        const int Batch = 20;
        var key = new RandomKey(6);
        Relaxation relaxation = Relaxation.All.Named(name);
        Tensor Value(RelaxedSequences relaxed) => exact.Reward.Of(exact.Discriminator.Score(relaxed.OneHots, relaxed.Mask));
        RelaxedSequences own = exact.Generator.Relax(Batch, 0.7, relaxation, key);
        var each = new PerSequenceGenerator(exact.Generator, Batch);
        RelaxedSequences mine = each.Relax(new RelaxedSampler(relaxation, 0.7, feedback, key));
        Assert.True(own.Ids.Equals(mine.Ids));
        Assert.Equal(0, (own.OneHots - mine.OneHots).abs().max().item<double>(), 1e-12);
        Tensor rows = each.Gradients(Value(mine)), whole = OwnGradient(exact.Generator, Value(own).sum());
        Assert.True(rows.norm().item<double>() > 0.01);
        Assert.Equal(0, (rows.sum([0]) - whole).norm().item<double>(), 1e-10);
    }

    private static Tensor OwnGradient(LstmGenerator generator, Tensor value)
    {
        foreach (Parameter parameter in generator.parameters())
        {
            parameter.grad = null;
        }

        value.backward();
        return cat([.. generator.parameters().Select(parameter => parameter.grad!.reshape(-1))]);
    }
}
