namespace GumbelGan.Laboratory;

/// <summary>A number, and how sure it is.</summary>
/// <param name="Value">NaN where noise hides it.</param>
/// <param name="Error">Its standard error; null where the number is exact.</param>
public readonly record struct Estimate(double Value, double? Error = null);

/// <summary>How an estimator of a gradient compares with the truth g*, all of it relative to |g*|.</summary>
/// <param name="RelativeBias">|E g - g*| / |g*|.</param>
/// <param name="Cosine">Of E g and g*.</param>
/// <param name="NormRatio">|E g| / |g*|.</param>
/// <param name="Variance">E |g - E g|^2 / |g*|^2: the variances of all coordinates together.</param>
/// <param name="MeanSquaredError">E |g - g*|^2 / |g*|^2, which is variance plus squared bias.</param>
public sealed record GradientQuality(Estimate RelativeBias, Estimate Cosine, Estimate NormRatio, Estimate Variance, Estimate MeanSquaredError);
