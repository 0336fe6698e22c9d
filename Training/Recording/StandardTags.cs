using GumbelGan.Evaluation.Metrics;


namespace GumbelGan.Training.Recording;

/// <summary>The tags that every run uses: what they mean, and how TensorBoard arranges them on one page.</summary>
public static class StandardTags
{
    /// <summary>What each tag means, in Markdown, with its unit and the direction that is better.</summary>
    public static IReadOnlyDictionary<string, string> Descriptions { get; } = new SortedDictionary<string,
        string>(OfMetrics(), StringComparer.Ordinal)
    {
        ["loss/generator"] = "The generator's objective on the last batch. *Not comparable between objectives.*",
        ["loss/discriminator"] = "The discriminator's objective on the last batch; near its chance level the generator is indistinguishable, near "
            + "zero the discriminator is saturated.",
        ["loss/mle"] = "Cross-entropy of maximum-likelihood training on the last batch, in **nats a token**. Lower is better.",
        ["score/real"] = "The discriminator's mean score of real sequences (logits). A healthy run keeps the two scores apart, but not far apart.",
        ["score/fake"] = "The discriminator's mean score of generated sequences (logits).",
        ["reward/mean"] =
            "REINFORCE: mean return of the batch's tokens before the baseline; with a discriminator's reward, its mean probability of *real*.",
        ["reward/baseline"] = "REINFORCE: the moving average that was subtracted, alone or pooled with the batch's other sequences.",
        ["loss/control_variate"] = "REBAR and RELAX: what the control variate learns to make small, the squared length of the gradient with "
            + "respect to the logits of a place.",
        ["control_variate/saved"] =
            "REBAR and RELAX: the share of the squared length of the gradient (with respect to the logits, a place) that the control variate saves.",
        ["control_variate/temperature"] = "REBAR and RELAX: the temperature at which the control variate reads relaxed tokens.",
        ["mixture/share"] = "Mixture: the relaxation's share of the generator's gradient; the rest is the score function's.",
        ["temperature"] = "Gumbel-Softmax temperature: high is smooth and biased, low is sharp and noisy.",
        ["gradient_norm/generator"] = "Euclidean norm of the generator's gradient before clipping.",
        ["gradient_norm/discriminator"] = "Euclidean norm of the discriminator's gradient before clipping.",
        ["nll/validation"] = "Negative log-likelihood of held-out text under the generator, in **nats a token**. Lower is better; it rises when "
            + "the generator loses modes.",
        ["nll/test"] = "Negative log-likelihood of the test text under the generator, in **nats a token**, once at the end. Lower is better.",
        ["nll/oracle"] =
            "Negative log-likelihood of generated text under the oracle, in **nats a token**. Lower is better quality; it says nothing of diversity.",
        ["auc/soft"] =
            "The share of pairs of a real sequence and a relaxed sample in which the discriminator scores the real one higher; 0.5 is chance. "
            + "High here and near 0.5 in auc/hard means that it has learned *softness, not language*.",
        ["auc/argmax"] = "The same for the hard sequences that relaxed samples show, against those samples themselves; 0.5 where samples are hard.",
        ["auc/hard"] = "The same for real sequences against the generator's own hard samples: what the discriminator knows of *language*.",
        ["weights/"] = "The generator's weights under this name.",
        ["token_entropy"] = "Entropy of the generator's next-token distribution at each held-out position, in **nats**. Mass that gathers at 0 is "
            + "a generator that has become certain.",
        ["health/learning_rate_scale"] = "What the configured learning rates are multiplied by since a roll-back: a half for each.",
        ["health"] = "Warnings and roll-backs.",
        ["speed/sequences_per_second"] = "Training sequences a second of wall time.",
        ["samples"] = "Generated text beside real text, from one fixed sampling seed, with temperature and step.",
        ["config"] = "The resolved configuration; `gumbelgan train --config runs/NAME/config.yaml` is this run again.",
    };

    /// <summary>Losses, quality and diversity on one page.</summary>
    public static ScalarLayout Layout { get; } = new(
    [
        new ScalarCategory("Training",
        [
            new ScalarChart("Losses", ["loss/generator", "loss/discriminator"]),
            new ScalarChart("Maximum likelihood", ["loss/mle", "nll/validation"]),
            new ScalarChart("Discriminator scores", ["score/.*"]),
            new ScalarChart("What the discriminator tells apart (AUC, 0.5 is chance)", ["auc/.*"]),
            new ScalarChart("Rewards", ["reward/.*"]),
            new ScalarChart("Gradient norms", ["gradient_norm/.*"]),
            new ScalarChart("Temperature, and the relaxation's share", ["temperature", "mixture/share"]),
        ]),
        new ScalarCategory("Quality",
        [
            .. Charts(metric => metric.Better != Better.Neither),
            new ScalarChart("Negative log-likelihood (lower is better)", ["nll/.*"]),
        ]),
        new ScalarCategory("Diversity", [.. Charts(metric => metric.Better == Better.Neither)]),
    ]);

    // A tag's description in TensorBoard is Markdown, in which * and _ mean something.
    private static Dictionary<string, string> OfMetrics() => MetricCatalogue.All
        .SelectMany(metric => metric.WhileTraining.Select(key => KeyValuePair.Create(metric.TagOf(key), metric.Definition
            .Replace("_", "\\_", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal)))).ToDictionary();

    // One chart for all metrics whose tags begin alike; a tag that is nothing but its beginning has no slash to look for.
    private static IEnumerable<ScalarChart> Charts(Func<Metric, bool> which) => MetricCatalogue.All
        .Where(which).SelectMany(metric => metric.WhileTraining.Select(metric.TagOf)).GroupBy(tag => tag.Split('/')[0])
        .Select(tags => new ScalarChart(
            tags.Key.Replace('_', '-'), [.. tags.Select(tag => tag.Contains('/') ? tags.Key + "/.*" : tags.Key).Distinct()]));
}
