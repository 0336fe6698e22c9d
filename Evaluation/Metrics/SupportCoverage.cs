namespace GumbelGan.Evaluation.Metrics;

/// <summary>How much of a known distribution a set of samples reaches.</summary>
public static class SupportCoverage
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "coverage", "coverage", Better.Higher, inputs => inputs.Divergences is not null,
        inputs => $"coverage ({Metric.Count(inputs.Divergences!.Samples, "sample")}, "
            + $"{Metric.Count(inputs.Divergences.SupportSize, "string")} in all)",
        "True probability mass, and share of all strings, that occur among the samples; perfect_mass and perfect_support are what as many "
            + "samples of the truth would reach on average.",
        inputs =>
        [
            new("mass", inputs.Divergences!.Coverage.Mass),
            new("support", inputs.Divergences.Coverage.SupportShare),
            new("perfect_mass", inputs.Divergences.Coverage.PerfectMass),
            new("perfect_support", inputs.Divergences.Coverage.PerfectSupportShare),
        ])
    {
        Shown = ["mass"],
        Diversity = "mass",
    };
}
