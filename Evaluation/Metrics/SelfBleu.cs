namespace GumbelGan.Evaluation.Metrics;

/// <summary>How alike the sequences of one set are: BLEU among themselves.</summary>
public static class SelfBleu
{
    /// <summary>In the catalogue.</summary>
    public static Metric Entry { get; } = new(
        "self_bleu", "self_bleu", Better.Neither, inputs => inputs.Generated.Count > 1,
        inputs => $"self-BLEU ({Metric.Count(inputs.Generated.Count, "hypothesis", "hypotheses")}, each against the "
            + $"other {inputs.Generated.Count - 1}; NLTK smoothing method 1)",
        "BLEU-n of each generated sequence against all the other generated ones (Zhu et al. 2018): a hypothesis is never among its own "
            + "references. Above the value of held-out text, diversity is missing.",
        inputs => MetricValue.FromBigrams(Bleu.AverageSelf(inputs.Generated, Metric.MaximumOrder, inputs.Threads)))
    {
        Shown = ["2", "3", "4", "5"],
        WhileTraining = ["2", "3", "4", "5"],
        Diversity = "4",
    };
}
