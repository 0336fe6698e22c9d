namespace GumbelGan.Evaluation.Metrics;

/// <summary>How many samples a grammar can produce.</summary>
public static class Validity
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "validity", "validity", Better.Higher, inputs => Of(inputs) is not null,
        inputs => $"validity ({Metric.Count(Of(inputs)!.Samples, "sample")})",
        "Share of samples that the grammar can produce, with Wilson's 95% interval. Quality only: a model that repeats one valid string has 1.",
        inputs =>
        {
            SampleValidity found = Of(inputs)!;
            return [new("", (double)found.Valid / found.Samples, ConfidenceInterval.Wilson(found.Valid, found.Samples))];
        })
    {
        Shown = [""],
        Quality = "",
    };

    private static SampleValidity? Of(MetricInputs inputs) =>
        inputs.Divergences is { } report ? new SampleValidity((long)Math.Round(report.Validity * report.Samples), report.Samples) : inputs.Validity;
}
