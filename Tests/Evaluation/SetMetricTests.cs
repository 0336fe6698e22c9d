using GumbelGan.Evaluation.Metrics;
using GumbelGan.Randomness;
using MathNet.Numerics.LinearAlgebra;
using Xunit;

namespace GumbelGan.Tests.Evaluation;

public sealed class SetMetricTests
{
    [Fact]
    public void Rates_of_a_small_set_are_those_counted_by_hand()
    {
        int[][] sequences = [[1, 2, 1], [1, 2, 1], [3], []];
        double[] unique = UniqueNGrams.Of(sequences, 3);
        Assert.Equal([3.0 / 7, 2.0 / 4, 1.0 / 2], unique);
        Assert.True(double.IsNaN(UniqueNGrams.Of(sequences, 4)[3]));
        Assert.Equal(0.25, DuplicateRate.Of(sequences));
        Assert.Equal(0.5, NoveltyRate.Of(sequences, [[3], [1, 2], []]));
        Assert.Equal((4.0 / 7 * Math.Log(7.0 / 4)) + (2.0 / 7 * Math.Log(7.0 / 2)) + (1.0 / 7 * Math.Log(7)),
            TokenEntropy.Of(sequences), 1e-12);
        Assert.Equal(0.5, RepetitionRate.Of(sequences));
        Assert.Equal(0, RepetitionRate.Of(sequences, 1));
    }

    [Fact]
    public void A_memoriser_has_novelty_zero()
    {
        List<int[]> training = BleuTests.Corpus(4, 200, 20, 9);
        var random = new RandomStream(new RandomKey(1));
        List<int[]> resampled = [.. Enumerable.Range(0, 500).Select(_ => training[random.NextInt32(training.Count)].ToArray())];
        Assert.Equal(0, NoveltyRate.Of(resampled, training));
        Assert.True(DuplicateRate.Of(resampled) > 0.5);
    }

    [Fact]
    public void Multiset_jaccard_is_one_for_equal_multisets_and_else_as_counted_by_hand()
    {
        Assert.Equal([1.0, 1.0, 1.0], MultisetJaccard.Score([[1, 2, 3], [1, 2, 2]], [[1, 2, 2], [1, 2, 3], [1, 2, 3], [1, 2, 2]], 3));
        // Per sentence: unigrams {1: 1, 2: 1} against {1: 1/2, 2: 1/2, 3: 1}; bigrams {12: 1} against {12: 1/2, 33: 1/2}.
        double[] scores = MultisetJaccard.Score([[1, 2]], [[1, 2], [3, 3]], 2);
        Assert.Equal(1.0 / 3, scores[0], 1e-12);
        Assert.Equal(Math.Sqrt(1.0 / 3 * (0.5 / 1.5)), scores[1], 1e-12);
        Assert.Equal(scores, MultisetJaccard.Score([[1, 2], [3, 3]], [[1, 2]], 2));
        Assert.Equal(0, MultisetJaccard.Score([[1]], [[2]], 1)[0]);
    }

    [Fact]
    public void Length_distances_are_those_counted_by_hand()
    {
        int[][] first = [[1], [1, 1]], second = [[1], [1, 1, 1, 1, 1]];
        Assert.Equal(0.5, LengthDistribution.TotalVariation(first, second), 1e-12);
        Assert.Equal(1.5, LengthDistribution.Wasserstein1(first, second), 1e-12);
        Assert.Equal(0, LengthDistribution.Wasserstein1(first, [[7, 7], [8]]), 1e-12);
    }

    [Fact]
    public void Frechet_distance_between_gaussians_is_the_closed_form()
    {
        Vector<double> Vector(params double[] values) => Vector<double>.Build.DenseOfArray(values);
        // Commuting covariances: |m1 - m2|^2 + sum (sqrt(a) - sqrt(b))^2.
        double diagonal = FrechetDistance.BetweenGaussians(
            Vector(1, 2), Matrix<double>.Build.DiagonalOfDiagonalArray([4, 9]), Vector(0, 0), Matrix<double>.Build.DiagonalOfDiagonalArray([1, 16]));
        Assert.Equal(5 + 1 + 1, diagonal, 1e-10);

        // Two dimensions, not commuting: tr sqrt(M) = sqrt(tr M + 2 sqrt(det M)), M = C1 C2.
        Matrix<double> first = Matrix<double>.Build.DenseOfArray(new double[,] { { 2, 1 }, { 1, 3 } }),
            second = Matrix<double>.Build.DenseOfArray(new double[,] { { 1, -0.5 }, { -0.5, 2 } });
        Matrix<double> product = first * second;
        double expected = first.Trace() + second.Trace() - (2 * Math.Sqrt(product.Trace() + (2 * Math.Sqrt(product.Determinant()))));
        Assert.Equal(expected, FrechetDistance.BetweenGaussians(Vector(0, 0), first, Vector(0, 0), second), 1e-10);
    }

    [Fact]
    public void Frechet_distance_between_samples_uses_their_moments()
    {
        double[,] cloud = { { 1, 0 }, { -1, 0 }, { 0, 2 }, { 0, -2 }, { 3, 1 } };
        double[,] moved = new double[5, 2], doubled = new double[5, 2];
        for (int row = 0; row < 5; row++)
        {
            (moved[row, 0], moved[row, 1]) = (cloud[row, 0] + 3, cloud[row, 1] - 4);
            (doubled[row, 0], doubled[row, 1]) = (2 * cloud[row, 0], 2 * cloud[row, 1]);
        }

        Assert.Equal(25, FrechetDistance.BetweenSamples(cloud, moved), 1e-9);
        // Doubling moves the mean by itself and adds tr(C): column sums of squares 11 and 9, means 0.6 and 0.2, four degrees of freedom.
        double trace = ((11 - (5 * 0.36)) + (9 - (5 * 0.04))) / 4;
        Assert.Equal(0.36 + 0.04 + trace, FrechetDistance.BetweenSamples(cloud, doubled), 1e-9);
        Assert.Throws<ArgumentException>(() => FrechetDistance.BetweenSamples(cloud, new double[2, 3]));
    }
}
