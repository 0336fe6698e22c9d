namespace GumbelGan.Evaluation.Metrics;

/// <summary>The total variation between a model and the true distribution, by counting samples.</summary>
public static class SampledTotalVariation
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = SampledDivergence.Of(
        "total_variation", "total variation",
        "Total variation between model and truth, invalid mass included, in [0, 1].",
        report => report.TotalVariation);
}
