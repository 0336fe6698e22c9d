namespace GumbelGan.Evaluation.Metrics;

/// <summary>What metrics share that estimate a divergence from an exactly known distribution by counting samples.</summary>
internal static class SampledDivergence
{
    /// <summary>The metric of one divergence.</summary>
    /// <param name="key">Its key; the tag is below "divergence/".</param>
    /// <param name="name">Its name, to which counts are added.</param>
    /// <param name="definition">What it is; how it is estimated is added.</param>
    /// <param name="select">Which estimate.</param>
    /// <param name="isShown">Whether comparisons show it.</param>
    public static Metric Of(string key, string name, string definition, Func<SampleDivergenceReport, DivergenceEstimate> select,
        bool isShown = false) => new(
        key,
        $"divergence/{key}",
        Better.Lower,
        inputs => inputs.Divergences is not null,
        inputs => $"{name} ({Metric.Count(inputs.Divergences!.Samples, "sample")}, {Metric.Count(inputs.Divergences.SupportSize, "string")})",
        definition + " Bias-corrected by parametric bootstrap; interval: held-out variational bound below, plug-in plus 1.96 standard errors above; "
            + "perfect_sampler is the mean plug-in of as many samples of the truth, p_value their share that scores as high.",
        inputs =>
        {
            DivergenceEstimate estimate = select(inputs.Divergences!);
            return
            [
                new("", estimate.Corrected, estimate.Interval),
                new("plug_in", estimate.PlugIn),
                new("perfect_sampler", estimate.PerfectMean),
                new("p_value", estimate.PValue),
            ];
        })
        {
            Shown = isShown ? [""] : [],
        };
}
