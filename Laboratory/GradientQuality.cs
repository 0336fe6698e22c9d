namespace GumbelGan.Laboratory;

/// <summary>An estimated number with its standard error.</summary>
/// <param name="Value">The number; NaN where sampling noise is too large to tell.</param>
/// <param name="Error">The standard error; null where the number is exact.</param>
public readonly record struct Estimate(double Value, double? Error = null);

/// <summary>How a gradient estimator g compares with the true gradient g*, relative to |g*|.</summary>
/// <param name="RelativeBias">|E g - g*| / |g*|.</param>
/// <param name="Cosine">The cosine of E g and g*.</param>
/// <param name="NormRatio">|E g| / |g*|.</param>
/// <param name="Variance">E |g - E g|^2 / |g*|^2: the variances of all coordinates together.</param>
/// <param name="MeanSquaredError">E |g - g*|^2 / |g*|^2, which is variance plus squared bias.</param>
public sealed record GradientQuality(Estimate RelativeBias, Estimate Cosine, Estimate NormRatio, Estimate Variance, Estimate MeanSquaredError);
