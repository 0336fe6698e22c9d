using GumbelGan.Generators;
using GumbelGan.Primer;
using GumbelGan.Randomness;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Primer;

/// <summary>What the chapters measure, beside closed forms and enumerations made here.</summary>
public sealed class ChapterTests
{
    // Numbers of one seed either way; so rare that a wrong program is likelier.
    private const double Unlikely = 1e-4;

    [Fact]
    public void Gumbel_noise_has_the_mean_the_variance_and_the_distribution_of_the_closed_form()
    {
        IReadOnlyDictionary<string, double> numbers = PrimerRun.Numbers("gumbel");
        double draws = numbers["draws"], variance = Math.PI * Math.PI / 6;
        Assert.Equal(0.5772156649, numbers["mean"], 4 * Math.Sqrt(variance / draws));

        // The fourth central moment is 5.4 times the square of the variance.
        Assert.Equal(variance, numbers["variance"], 4 * variance * Math.Sqrt(4.4 / draws));
        Assert.True(numbers["p_value"] > Unlikely);
        Assert.Equal(0.5772156649 + Math.Log(10), numbers["largest_mean"], 4 * Math.Sqrt(variance / (draws / 10)));
    }

    [Fact]
    public void The_largest_sum_is_drawn_as_the_softmax_says_with_Gumbel_noise_and_not_with_normal_noise()
    {
        IReadOnlyDictionary<string, double> numbers = PrimerRun.Numbers("categorical");
        Assert.True(numbers["p_value"] > Unlikely);
        Assert.True(numbers["p_value_normal_noise"] < Unlikely);
    }

    [Fact]
    public void The_p_value_of_a_chi_square_is_that_of_the_tables()
    {
        // Counts 60 and 40 of a fair coin: chi-square 4, p 0.0455. Of three kinds, chi-square 6 has p exp(-3).
        ChiSquareTest coin = ChiSquareTest.Of([60, 40], [0.5, 0.5]), three = ChiSquareTest.Of([120, 120, 60], [0.4, 0.35, 0.25]);
        Assert.Equal((4, 0.0455), (coin.Statistic, Math.Round(coin.PValue, 4)));
        Assert.Equal(Math.Exp(-three.Statistic / 2), three.PValue, 1e-9);
    }

    [Fact]
    public void Score_function_and_pathwise_gradient_have_the_mean_and_the_variance_of_the_closed_form()
    {
        IReadOnlyDictionary<string, double> numbers = PrimerRun.Numbers("reparameterisation");
        Assert.Equal(4, numbers["score_mean"], 4 * Math.Sqrt(87 / numbers["draws"]));
        Assert.Equal(4, numbers["pathwise_mean"], 4 * Math.Sqrt(4 / numbers["draws"]));
        Assert.Equal(87, numbers["score_variance"], 0.05 * 87);
        Assert.Equal(4, numbers["pathwise_variance"], 0.02 * 4);
    }

    [Fact]
    public void The_exact_gradient_is_that_of_finite_differences_and_the_score_function_agrees_with_it()
    {
        IReadOnlyDictionary<string, double> numbers = PrimerRun.Numbers("relaxation");
        double[] logits = [0.5, 0, -0.5, 0.2, -0.2, 0];
        double MeanLoss(int moved, double by)
        {
            double[] weights = [.. logits.Select((logit, i) => Math.Exp(logit + (i == moved ? by : 0)))];
            return weights.Select((weight, i) => weight * Math.Pow(i + 1 - 4, 2)).Sum() / weights.Sum();
        }

        Assert.All(Enumerable.Range(0, 6), i => Assert.Equal((MeanLoss(i, 1e-4) - MeanLoss(i, -1e-4)) / 2e-4, numbers[$"gradient_{i + 1}"], 1e-5));
        Assert.True(numbers["bias_score_function"] < 4 * numbers["standard_error_score_function"]);
    }

    [Theory]
    [InlineData("soft")]
    [InlineData("straight_through")]
    public void As_the_temperature_falls_the_bias_falls_and_the_deviation_grows(string relaxation)
    {
        IReadOnlyDictionary<string, double> numbers = PrimerRun.Numbers("relaxation");
        double[] Of(string what) =>
            [.. numbers.Where(number => number.Key.StartsWith($"{what}_{relaxation}_", StringComparison.Ordinal)).Select(number => number.Value)];
        double[] biases = Of("bias"), deviations = Of("deviation");
        Assert.Equal(8, biases.Length);
        Assert.Equal(biases.Order(), biases);
        Assert.Equal(deviations.OrderDescending(), deviations);
    }

    [Fact]
    public void A_die_learns_wanted_frequencies_through_straight_through_throws_and_others_through_soft_ones()
    {
        IReadOnlyDictionary<string, double> numbers = PrimerRun.Numbers("training");
        Assert.InRange(numbers["distance_straight_through"], 0, 0.04);
        Assert.InRange(numbers["distance_soft"], 0.05, 0.12);
    }

    [Theory]
    [InlineData("soft")]
    [InlineData("straight_through")]
    public void The_die_of_the_document_learns_to_show_a_four(string relaxation)
    {
        float[] probabilities = LoadedDie.Train(Relaxation.All.Named(relaxation), 1, new RandomKey(5));
        Assert.Equal(1, probabilities.Sum(), 1e-5);
        Assert.InRange(probabilities[3], 0.95f, 1);
        Assert.Equal(probabilities.Select((p, i) => p * (i - 3.0) * (i - 3)).Sum(), LoadedDie.ExpectedLoss(probabilities), 1e-6);
    }

    [Theory]
    [InlineData("straight_through", 0.2)]
    [InlineData("soft_cold", 0.4)]
    [InlineData("soft_warm", 4)]
    public void The_bound_lies_below_the_log_likelihood_and_that_below_what_codes_can_do(string training, double largestGap)
    {
        IReadOnlyDictionary<string, double> numbers = PrimerRun.Numbers("autoencoder");

        // 64 codes for 30 images: two codes each, and a third for four of them.
        double best = ((26 * Math.Log(2 / 64.0)) + (4 * Math.Log(3 / 64.0))) / 30;
        Assert.Equal(30, numbers["images"]);
        Assert.Equal(best, numbers["log_likelihood_best"], 1e-9);
        Assert.True(numbers[$"elbo_{training}"] <= numbers[$"log_likelihood_{training}"] + 1e-4);
        Assert.True(numbers[$"log_likelihood_{training}"] <= best + 1e-4);
        Assert.InRange(numbers[$"gap_{training}"], 0, largestGap);
    }

    [Fact]
    public void Soft_warm_training_believes_in_a_bound_that_no_code_can_reach_and_straight_through_training_does_not()
    {
        IReadOnlyDictionary<string, double> numbers = PrimerRun.Numbers("autoencoder");
        Assert.True(numbers["believed_soft_warm"] > numbers["log_likelihood_best"]);
        Assert.True(numbers["elbo_soft_warm"] < numbers["believed_soft_warm"] - 1);
        Assert.Equal(numbers["elbo_straight_through"], numbers["believed_straight_through"], 0.1);
    }

    [Fact]
    public void The_generator_finds_all_attributes_of_all_images()
    {
        IReadOnlyDictionary<string, double> numbers = PrimerRun.Numbers("attributes");
        Assert.Equal((48, 48, 0), (numbers["images"], numbers["codes_used"], numbers["pixels_wrong"]));
        Assert.All((string[])["shape", "orientation", "position"], name => Assert.Equal(1, numbers[$"information_{name}"], 1e-9));
    }

    [Fact]
    public void The_choice_of_films_that_is_learned_is_the_best_of_all_by_enumeration()
    {
        IReadOnlyDictionary<string, double> numbers = PrimerRun.Numbers("subsets");
        double[][] likes =
        [
            [.9, .85, .8, .7, .05, .05, .05, .05, .05, .05, .05, .05],
            [.05, .05, .05, .2, .7, .8, .3, .05, .05, .05, .05, .05],
            [.05, .05, .05, .05, .05, .05, .4, .75, .6, .5, .05, .05],
        ];
        double[] groups = [.46, .3, .24];
        double best = 0;
        for (int a = 0; a < 12; a++)
        {
            for (int b = a + 1; b < 12; b++)
            {
                for (int c = b + 1; c < 12; c++)
                {
                    double Displeased(double[] group) => (1 - group[a]) * (1 - group[b]) * (1 - group[c]);
                    best = Math.Max(best, groups.Select((share, g) => share * (1 - Displeased(likes[g]))).Sum());
                }
            }
        }

        Assert.Equal(best, numbers["worth_soft"], 1e-6);
        Assert.Equal(best, numbers["worth_straight_through"], 1e-6);
        Assert.Equal(1, numbers["place_soft"]);
        Assert.InRange(numbers["drawn_soft"], best - 0.02, best + 1e-6);
        Assert.InRange(numbers["drawn_straight_through"], best - 0.02, best + 1e-6);
        Assert.True(numbers["drawn_uncapped"] < best - 0.05);
        Assert.True(numbers["worth_popular"] < best - 0.1);
        Assert.True(numbers["inclusion_error"] < 4 * Math.Sqrt(0.25 / 200_000));
    }

    [Fact]
    public void A_relaxed_subset_has_the_sum_k_and_in_the_cold_it_is_ones_at_the_k_largest()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = tensor([0.3f, -0.2f, 0.1f, 0.9f, 0]), noise = GumbelSoftmax.Noise(new RandomKey(3), 50, 5);
        Assert.All(RelaxedSubset.Sample(logits, noise, 2, 1).sum(1).data<float>().ToArray(), sum => Assert.Equal(2, sum, 1e-5));
        float[] cold = RelaxedSubset.Sample(logits, noise, 2, 1e-3).data<float>().ToArray();
        float[][] keys = [.. (logits + noise).data<float>().ToArray().Chunk(5)];
        float[] expected = [.. keys.SelectMany(row => row.Select(key => row.Count(other => other > key) < 2 ? 1f : 0))];
        Assert.All(expected.Zip(cold), pair => Assert.Equal(pair.First, pair.Second, 0.01));
    }
}
