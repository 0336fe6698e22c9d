using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>
/// First and second moments of a gradient estimator, in independent groups of equal size; one group where nothing was sampled. The differences
/// between groups give the standard errors (jackknife, Efron 1982). They also give what sampling noise adds to the squared length of the mean, which
/// is subtracted.
/// </summary>
/// <remarks>P parameters, G groups. Its tensors live outside dispose scopes.</remarks>
public sealed class GradientMoments : IDisposable
{
    private readonly Tensor[] _sums;
    private readonly double[] _squares, _weights;

    /// <summary>Moments of no gradients yet.</summary>
    /// <param name="groups">G.</param>
    /// <param name="parameters">P.</param>
    public GradientMoments(int groups, long parameters)
    {
        _sums = [.. Enumerable.Range(0, groups).Select(_ => zeros(parameters, ScalarType.Float64).DetachFromDisposeScope())];
        (_squares, _weights) = (new double[groups], new double[groups]);
    }

    /// <summary>G.</summary>
    public int Groups => _sums.Length;

    /// <summary>Adds gradients to a group.</summary>
    /// <param name="group">From 0.</param>
    /// <param name="gradients">[B, P] of float64.</param>
    /// <param name="weights">[B] of float64, for example probabilities; null counts each as 1.</param>
    public void Add(int group, Tensor gradients, Tensor? weights = null)
    {
        using IDisposable off = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor each = weights ?? ones(gradients.shape[0], ScalarType.Float64); // [B]
        _sums[group].add_(each.unsqueeze(0).mm(gradients).squeeze(0));
        _squares[group] += (each * gradients.square().sum(1)).sum().item<double>();
        _weights[group] += each.sum().item<double>();
    }

    /// <summary>Adds exact expectations, with weight 1.</summary>
    /// <param name="group">From 0.</param>
    /// <param name="mean">E g, [P] of float64.</param>
    /// <param name="square">E |g|^2.</param>
    public void AddExpectation(int group, Tensor mean, double square)
    {
        using IDisposable off = no_grad();
        _sums[group].add_(mean);
        _squares[group] += square;
        _weights[group] += 1;
    }

    /// <summary>Compares the estimator with the true gradient.</summary>
    /// <param name="truth">[P] of float64.</param>
    public GradientQuality Against(Tensor truth)
    {
        using IDisposable off = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor means = stack([.. _sums.Select((sum, group) => sum / _weights[group])]); // [G, P]
        var products = new Products(
            means.mm(means.t()).data<double>().ToArray(), [.. means.mv(truth).data<double>()],
            [.. _squares.Select((square, group) => square / _weights[group])], truth.square().sum().item<double>());
        int[] all = [.. Enumerable.Range(0, Groups)];
        double[] values = products.Qualities(all);
        values[0] = Math.Max(0, values[0]);
        double[]?[] without = Groups < 2 ? [] : [.. all.Select(left => products.Qualities([.. all.Where(group => group != left)]))];
        Estimate EstimateOf(int quality)
        {
            if (without.Length == 0)
            {
                return new Estimate(values[quality]);
            }

            double mean = without.Average(some => some![quality]);
            return new Estimate(values[quality], Math.Sqrt((Groups - 1.0) / Groups * without.Sum(some => Math.Pow(some![quality] - mean, 2))));
        }

        return new GradientQuality(EstimateOf(0), EstimateOf(1), EstimateOf(2), EstimateOf(3), EstimateOf(4));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor sum in _sums)
        {
            sum.Dispose();
        }
    }

    /// <summary>The numbers that the qualities are functions of; g* is the true gradient.</summary>
    /// <param name="Means">[G, G], inner products of the groups' means with each other.</param>
    /// <param name="Truths">[G], inner products of the groups' means with g*.</param>
    /// <param name="Squares">[G], E |g|^2 of each group.</param>
    /// <param name="Truth">|g*|^2.</param>
    private sealed record Products(double[] Means, double[] Truths, double[] Squares, double Truth)
    {
        // Relative bias, cosine, norm ratio, variance and mean squared error of the mean over some of the groups.
        public double[] Qualities(int[] groups)
        {
            int count = groups.Length, all = Truths.Length;
            double length = groups.Average(row => groups.Average(column => Means[row * all + column])),
                own = groups.Average(group => Means[group * all + group]);
            // The squared length of a sampled mean exceeds that of the expectation by the variance of the mean.
            length -= count > 1 ? (own - length) / (count - 1) : 0;
            double along = groups.Average(group => Truths[group]), square = groups.Average(group => Squares[group]);
            // Where less than nothing is left, length and bias are unknown (NaN). The square of a small bias may come out negative; its sign is kept.
            double norm = Math.Sqrt(length), error = square - 2 * along + Truth, bias = length < 0 ? double.NaN : length - 2 * along + Truth;
            return
            [
                double.CopySign(Math.Sqrt(Math.Abs(bias) / Truth), bias), along / (norm * Math.Sqrt(Truth)), norm / Math.Sqrt(Truth),
                    (square - length) / Truth,
                error / Truth,
            ];
        }
    }
}
