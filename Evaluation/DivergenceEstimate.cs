namespace GumbelGan.Evaluation;

/// <summary>One divergence estimated from samples; see <see cref="SampleDivergences"/> for how each number is made.</summary>
/// <param name="PlugIn">
/// The divergence of the empirical distribution, nats (total variation: a share). Biased upward: a perfect sampler does not score 0.
/// </param>
/// <param name="Corrected">
/// The plug-in minus its bias under the fitted mixture, kept inside <paramref name="Interval"/>; NaN where the plug-in is infinite.
/// </param>
/// <param name="Interval">
/// 95% bracket: below, a held-out variational bound; above, the plug-in with its standard error. Honest at any sample size, and wide when samples are
/// few.
/// </param>
/// <param name="PerfectMean">What the plug-in averages for as many samples of the true distribution.</param>
/// <param name="PValue">
/// Share of such perfect samples, this one included, that score at least as high: a small value means that the model differs.
/// </param>
public sealed record DivergenceEstimate(double PlugIn, double Corrected, ConfidenceInterval Interval, double PerfectMean, double PValue);
