using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>
/// First and second moments of an estimator of a gradient, in groups that are independent of each other and alike: one group where nothing was
/// sampled. From the differences between groups follow the standard errors (the jackknife, Efron 1982), and what the noise of a sampled mean adds to
/// its length, which is taken off.
/// </summary>
/// <remarks>P parameters. It lives outside dispose scopes.</remarks>
public sealed class GradientMoments : IDisposable
{
    private readonly Tensor[] _sums;
    private readonly double[] _squares, _weights;

    /// <summary>Moments without anything in them.</summary>
    /// <param name="groups">How many groups.</param>
    /// <param name="parameters">P.</param>
    public GradientMoments(int groups, long parameters)
    {
        _sums = [.. Enumerable.Range(0, groups).Select(_ => zeros(parameters, ScalarType.Float64).DetachFromDisposeScope())];
        (_squares, _weights) = (new double[groups], new double[groups]);
    }

    /// <summary>Groups.</summary>
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

    /// <summary>Adds an expectation that is known already.</summary>
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

    /// <summary>The mean over all groups, [P] of float64.</summary>
    public Tensor Mean()
    {
        using IDisposable off = no_grad();
        return stack([.. _sums.Select((sum, group) => sum / _weights[group])]).mean([0]);
    }

    /// <summary>Compares with the truth.</summary>
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
        Estimate Of(int quality)
        {
            if (without.Length == 0)
            {
                return new Estimate(values[quality]);
            }

            double mean = without.Average(some => some![quality]);
            return new Estimate(values[quality], Math.Sqrt((Groups - 1.0) / Groups * without.Sum(some => Math.Pow(some![quality] - mean, 2))));
        }

        return new GradientQuality(Of(0), Of(1), Of(2), Of(3), Of(4));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor sum in _sums)
        {
            sum.Dispose();
        }
    }

    /// <summary>All that the qualities are functions of.</summary>
    /// <param name="Means">[G, G], inner products of the groups' means with each other.</param>
    /// <param name="Truths">[G], of them with the truth.</param>
    /// <param name="Squares">[G], E |g|^2 of each group.</param>
    /// <param name="Truth">|g*|^2.</param>
    private sealed record Products(double[] Means, double[] Truths, double[] Squares, double Truth)
    {
        // Relative bias, cosine, norm ratio, variance, mean squared error.
        public double[] Qualities(int[] groups)
        {
            int count = groups.Length, all = Truths.Length;
            double length = groups.Average(row => groups.Average(column => Means[row * all + column])),
                own = groups.Average(group => Means[group * all + group]);
            // A sampled mean is longer than the true one by the variance of the mean.
            length -= count > 1 ? (own - length) / (count - 1) : 0;
            double along = groups.Average(group => Truths[group]), square = groups.Average(group => Squares[group]);
            // Where noise hides the length, it hides the bias too; near zero the sampled square of the bias has either sign.
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
