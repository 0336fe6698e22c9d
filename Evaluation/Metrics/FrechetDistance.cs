using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace GumbelGan.Evaluation.Metrics;

/// <summary>
/// Frechet (2-Wasserstein) distance between Gaussians fitted to two sets of feature vectors, as in the Frechet inception distance (Heusel et al.
/// 2017). On text the features are hidden states of a frozen language model trained on the real data; it is then no "FED" (which names the
/// Universal Sentence Encoder) and is comparable only between runs that share that model.
/// </summary>
public static class FrechetDistance
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "frechet", "frechet", Better.Lower, inputs => inputs.GeneratedFeatures?.GetLength(0) >= 2 && inputs.ReferenceFeatures?.GetLength(0) >= 2,
        inputs => $"Frechet distance ({Metric.Count(inputs.GeneratedFeatures!.GetLength(0), "sequence")} "
            + $"against {inputs.ReferenceFeatures!.GetLength(0)}, {inputs.GeneratedFeatures.GetLength(1)} features)",
        "Squared Frechet distance between Gaussians fitted to hidden states of a frozen language model trained on the real data; comparable "
            + "only under that same model, and not FED.",
        inputs => [new("", BetweenSamples(inputs.GeneratedFeatures!, inputs.ReferenceFeatures!))])
    {
        Shown = [""],
    };

    /// <summary>|m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2)), with sample means and unbiased covariances.</summary>
    /// <param name="first">
    /// Features, [N, H]; N at least 2. With N below H the covariance is singular and the estimate biased upward: use N well above H.
    /// </param>
    /// <param name="second">Features, [M, H]; M at least 2.</param>
    /// <returns>The squared distance, in squared feature units; not negative.</returns>
    /// <exception cref="ArgumentException">The widths differ, or a set has fewer than two vectors.</exception>
    public static double BetweenSamples(double[,] first, double[,] second)
    {
        if (first.GetLength(1) != second.GetLength(1) || first.GetLength(0) < 2 || second.GetLength(0) < 2)
        {
            throw new ArgumentException("The Frechet distance needs two sets of at least two vectors of one width.");
        }

        (Vector<double> firstMean, Matrix<double> firstCovariance) = Moments(Matrix<double>.Build.DenseOfArray(first));
        (Vector<double> secondMean, Matrix<double> secondCovariance) = Moments(Matrix<double>.Build.DenseOfArray(second));
        return BetweenGaussians(firstMean, firstCovariance, secondMean, secondCovariance);
    }

    /// <summary>The same between two Gaussians whose moments are known.</summary>
    /// <param name="firstMean">[H].</param>
    /// <param name="firstCovariance">[H, H], symmetric and positive semidefinite.</param>
    /// <param name="secondMean">[H].</param>
    /// <param name="secondCovariance">[H, H], symmetric and positive semidefinite.</param>
    public static double BetweenGaussians(
        Vector<double> firstMean, Matrix<double> firstCovariance, Vector<double> secondMean, Matrix<double> secondCovariance)
    {
        // tr((C1 C2)^(1/2)) = tr((S C2 S)^(1/2)) with S = C1^(1/2): the inner matrix is symmetric, so real eigenvalues suffice.
        Matrix<double> root = SquareRoot(firstCovariance);
        Matrix<double> product = root * secondCovariance * root;
        Evd<double> decomposition = ((product + product.Transpose()) / 2).Evd(Symmetricity.Symmetric);
        double overlap = decomposition.EigenValues.Sum(value => Math.Sqrt(Math.Max(0, value.Real)));
        Vector<double> difference = firstMean - secondMean;
        return Math.Max(0, (difference * difference) + firstCovariance.Trace() + secondCovariance.Trace() - (2 * overlap));
    }

    private static (Vector<double> Mean, Matrix<double> Covariance) Moments(Matrix<double> features)
    {
        Vector<double> mean = features.ColumnSums() / features.RowCount; // [H]
        Matrix<double> centred = features - (Vector<double>.Build.Dense(features.RowCount, 1.0).ToColumnMatrix() * mean.ToRowMatrix()); // [N, H]
        return (mean, centred.TransposeThisAndMultiply(centred) / (features.RowCount - 1)); // [H, H]
    }

    private static Matrix<double> SquareRoot(Matrix<double> symmetric)
    {
        Evd<double> decomposition = symmetric.Evd(Symmetricity.Symmetric);
        Matrix<double> vectors = decomposition.EigenVectors; // [H, H]
        Vector<double> roots = decomposition.EigenValues.Map(value => Math.Sqrt(Math.Max(0, value.Real)));
        return vectors * Matrix<double>.Build.DiagonalOfDiagonalVector(roots) * vectors.Transpose();
    }
}
