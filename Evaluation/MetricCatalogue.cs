using System.Text.Json.Nodes;

namespace GumbelGan.Evaluation;

/// <summary>
/// Every metric of the project, in one table. Adding a metric means adding an entry; <c>metrics</c>, <c>evaluate</c>, <c>compare</c> and the report
/// take names, definitions and directions from here.
/// </summary>
public static class MetricCatalogue
{
    private const int MaximumOrder = 5;
    private const int RepetitionWindow = 16;

    /// <summary>The table, in the order of reports.</summary>
    public static IReadOnlyList<Metric> All { get; } =
    [
        new(
            "nll", "nll", Better.Lower, inputs => inputs.Likelihoods.Count > 0,
            inputs => "NLL (" + string.Join("; ", inputs.Likelihoods.Select(split =>
                $"{split.Name}: {split.Description}, {Count(split.Sequences, "sequence")}, {Count(split.Tokens, "token")}")) + ")",
            "Mean negative log-likelihood in nats, per token under the split's name and per sequence under name_per_sequence; padding excluded, "
                + "end mark included.",
            inputs => inputs.Likelihoods.SelectMany(split => new[]
            {
                new MetricValue(split.Name, split.TotalNats / split.Tokens),
                new MetricValue($"{split.Name}_per_sequence", split.TotalNats / split.Sequences),
            })),
        new(
            "bleu", "bleu", Better.Higher, HasReferences,
            inputs => $"BLEU ({Count(inputs.Generated.Count, "hypothesis", "hypotheses")}, each against "
                + $"all {Count(inputs.References!.Count, "reference")}; NLTK smoothing method 1)",
            "BLEU-n (Papineni et al. 2002) per sentence with uniform weights over 1..n-grams, equal to NLTK's sentence_bleu with "
                + "SmoothingFunction().method1, averaged over hypotheses; all of the reference corpus serves every hypothesis.",
            inputs => FromBigrams(Bleu.Average(inputs.Generated, inputs.References!, MaximumOrder, inputs.Threads))),
        new(
            "self_bleu", "self_bleu", Better.Neither, inputs => inputs.Generated.Count > 1,
            inputs => $"self-BLEU ({Count(inputs.Generated.Count, "hypothesis", "hypotheses")}, each against the "
                + $"other {inputs.Generated.Count - 1}; NLTK smoothing method 1)",
            "BLEU-n of each generated sequence against all the other generated ones (Zhu et al. 2018): a hypothesis is never among its own "
                + "references. Above the value of held-out text, diversity is missing.",
            inputs => FromBigrams(Bleu.AverageSelf(inputs.Generated, MaximumOrder, inputs.Threads))),
        new(
            "ms_jaccard", "ms_jaccard", Better.Higher, HasReferences,
            inputs => $"MS-Jaccard ({Count(inputs.Generated.Count, "sequence")} against {inputs.References!.Count})",
            "Overlap of n-gram multisets (Montahaei et al. 2019): geometric mean over 1..n-grams of sum(min)/sum(max) of the occurrences per "
                + "sequence; quality and diversity in one number.",
            inputs => FromBigrams(MultisetJaccard.Score(inputs.Generated, inputs.References!, MaximumOrder))),
        new(
            "unique_ngrams", "diversity/unique_ngrams", Better.Neither, _ => true,
            inputs => $"unique n-grams ({Count(inputs.Generated.Count, "sequence")} pooled)",
            "Distinct n-grams over all n-grams of the pooled sequences; it falls as the set grows, so only equal counts compare.",
            inputs => FromBigrams(Diversity.UniqueNGrams(inputs.Generated, MaximumOrder))),
        new(
            "duplicates", "diversity/duplicates", Better.Neither, _ => true,
            inputs => $"duplicate rate ({Count(inputs.Generated.Count, "sequence")})",
            "Share of generated sequences that repeat an earlier one of the same set.",
            inputs => [new("", Diversity.DuplicateRate(inputs.Generated))]),
        new(
            "novelty", "diversity/novelty", Better.Neither, inputs => inputs.Training is not null,
            inputs => $"novelty rate ({Count(inputs.Generated.Count, "sequence")} against {inputs.Training!.Count} of the training set)",
            "Share of generated sequences, duplicates counted, that do not occur word for word in the training set; a memoriser has 0.",
            inputs => [new("", Diversity.NoveltyRate(inputs.Generated, inputs.Training!))]),
        new(
            "token_entropy", "diversity/token_entropy", Better.Neither, _ => true,
            inputs => $"token entropy ({Count(inputs.Generated.Count, "sequence")} pooled)",
            "Entropy of the pooled token frequencies, plug-in estimate, nats per token.",
            inputs => [new("", Diversity.TokenEntropy(inputs.Generated))]),
        new(
            "repetition", "diversity/repetition", Better.Neither, _ => true,
            inputs => $"repetition rate ({Count(inputs.Generated.Count, "sequence")}, window {RepetitionWindow} tokens)",
            "Share of tokens, first of a sequence excepted, that already occur among the 16 tokens before them in the same sequence.",
            inputs => [new("", Diversity.RepetitionRate(inputs.Generated, RepetitionWindow))]),
        new(
            "length", "length", Better.Lower, HasReferences,
            inputs => $"length distribution ({Count(inputs.Generated.Count, "sequence")} against {inputs.References!.Count})",
            "Distance between the distributions of lengths in tokens: total variation, and Wasserstein-1 in tokens.",
            inputs =>
            [
                new("total_variation", LengthDistribution.TotalVariation(inputs.Generated, inputs.References!)),
                new("wasserstein_1", LengthDistribution.Wasserstein1(inputs.Generated, inputs.References!)),
            ]),
        new(
            "frechet", "frechet", Better.Lower, inputs => inputs.GeneratedFeatures is not null && inputs.ReferenceFeatures is not null,
            inputs => $"Frechet distance ({Count(inputs.GeneratedFeatures!.GetLength(0), "sequence")} "
                + $"against {inputs.ReferenceFeatures!.GetLength(0)}, {inputs.GeneratedFeatures.GetLength(1)} features)",
            "Squared Frechet distance between Gaussians fitted to hidden states of a frozen language model trained on the real data; comparable "
                + "only under that same model, and not FED.",
            inputs => [new("", FrechetDistance.BetweenSamples(inputs.GeneratedFeatures!, inputs.ReferenceFeatures!))]),
        new(
            "validity", "validity", Better.Higher, inputs => ValidityOf(inputs) is not null,
            inputs => $"validity ({Count(ValidityOf(inputs)!.Samples, "sample")})",
            "Share of samples that the grammar can produce, with Wilson's 95% interval. Quality only: a model that repeats one valid string has 1.",
            inputs =>
            {
                SampleValidity found = ValidityOf(inputs)!;
                return [new("", (double)found.Valid / found.Samples, ConfidenceInterval.Wilson(found.Valid, found.Samples))];
            }),
        new(
            "likelihood_divergence", "likelihood_divergence", Better.Lower, inputs => inputs.LikelihoodDivergences is not null,
            inputs => $"divergences by likelihoods ({inputs.LikelihoodDivergences!.Description})",
            "Kullback-Leibler and Jensen-Shannon divergences between grammar and model, both of which score every string; nats. kl_model_true is "
                + "of the model conditioned on validity, the others include invalid mass.",
            inputs =>
            [
                new("kl_true_model", inputs.LikelihoodDivergences!.TrueFromModel.Value, inputs.LikelihoodDivergences.TrueFromModel.Interval),
                new("kl_model_true", inputs.LikelihoodDivergences.ModelFromTrue.Value, inputs.LikelihoodDivergences.ModelFromTrue.Interval),
                new("jensen_shannon", inputs.LikelihoodDivergences.JensenShannon.Value, inputs.LikelihoodDivergences.JensenShannon.Interval),
            ]),
        new(
            "model_mass", "model_mass", Better.Higher, inputs => inputs.LikelihoodDivergences is not null,
            inputs => $"valid mass ({inputs.LikelihoodDivergences!.Description})",
            "The model's probability of all strings that the grammar derives: what validity estimates, summed exactly where the strings can be "
                + "listed.",
            inputs => [new("", inputs.LikelihoodDivergences!.ModelMass.Value, inputs.LikelihoodDivergences.ModelMass.Interval)]),
        OfDivergence(
            "kl_model_true", "KL(model || true)",
            "Kullback-Leibler divergence of the model, conditioned on validity, from the true distribution, nats.", report => report.ModelFromTrue),
        OfDivergence(
            "kl_true_model", "KL(true || model)",
            "Kullback-Leibler divergence of the true distribution from the model, nats; undefined unless every string was sampled, but its lower "
                + "limit always exists.", report => report.TrueFromModel),
        OfDivergence("jensen_shannon", "Jensen-Shannon divergence",
            "Jensen-Shannon divergence between model and truth, invalid mass included, nats (at most 0.693).", report => report.JensenShannon),
        OfDivergence("total_variation", "total variation", "Total variation between model and truth, invalid mass included, in [0, 1].",
            report => report.TotalVariation),
        new(
            "coverage", "coverage", Better.Higher, HasDivergences,
            inputs => $"coverage ({Count(inputs.Divergences!.Samples, "sample")}, {Count(inputs.Divergences.SupportSize, "string")} in all)",
            "True probability mass, and share of all strings, that occur among the samples; perfect_mass and perfect_support are what as many "
                + "samples of the truth would reach on average.",
            inputs =>
            [
                new("mass", inputs.Divergences!.Coverage.Mass),
                new("support", inputs.Divergences.Coverage.SupportShare),
                new("perfect_mass", inputs.Divergences.Coverage.PerfectMass),
                new("perfect_support", inputs.Divergences.Coverage.PerfectSupportShare),
            ]),
    ];

    /// <summary>Computes every metric whose inputs are there.</summary>
    /// <exception cref="ArgumentException">There are no generated sequences, or references or training are given but empty.</exception>
    public static IReadOnlyList<MetricResult> Compute(MetricInputs inputs)
    {
        if (inputs.Generated.Count == 0)
        {
            throw new ArgumentException("Metrics need at least one generated sequence.", nameof(inputs));
        }

        return [.. All.Where(metric => metric.Requires(inputs))
            .Select(metric => new MetricResult(metric, metric.Name(inputs), [.. metric.Compute(inputs)]))];
    }

    /// <summary>The entry that <paramref name="tag"/> ("bleu/4") belongs to, or null.</summary>
    public static Metric? ForTag(string tag) =>
        All.FirstOrDefault(metric => tag == metric.Tag || tag.StartsWith(metric.Tag + "/", StringComparison.Ordinal));

    /// <summary>
    /// One object a metric: its numbers under their keys ("value" where there is one only), "interval" with [lower, upper] under the same keys
    /// where it has them, "name" and "definition". A number that is undefined is null.
    /// </summary>
    public static JsonObject ToJson(IEnumerable<MetricResult> results)
    {
        var document = new JsonObject();
        foreach (MetricResult result in results)
        {
            var entry = new JsonObject();
            var intervals = new JsonObject();
            foreach (MetricValue value in result.Values)
            {
                string key = value.Key.Length == 0 ? "value" : value.Key;
                entry[key] = Number(value.Value);
                if (value.Interval is { } interval)
                {
                    intervals[key] = new JsonArray(Number(interval.Lower), Number(interval.Upper));
                }
            }

            if (intervals.Count > 0)
            {
                entry["interval"] = intervals;
            }

            entry["name"] = result.Name;
            entry["definition"] = result.Metric.Definition;
            document[result.Metric.Key] = entry;
        }

        return document;
    }

    private static Metric OfDivergence(string key, string name, string definition, Func<SampleDivergenceReport, DivergenceEstimate> select) => new(
        key,
        $"divergence/{key}",
        Better.Lower,
        HasDivergences,
        inputs => $"{name} ({Count(inputs.Divergences!.Samples, "sample")}, {Count(inputs.Divergences.SupportSize, "string")})",
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
        });

    private static IEnumerable<MetricValue> FromBigrams(double[] byOrder) =>
        Enumerable.Range(2, byOrder.Length - 1).Select(order => new MetricValue(FormattableString.Invariant($"{order}"), byOrder[order - 1]));

    private static bool HasReferences(MetricInputs inputs) => inputs.References is not null;

    private static SampleValidity? ValidityOf(MetricInputs inputs) =>
        inputs.Divergences is { } report ? new SampleValidity((long)Math.Round(report.Validity * report.Samples), report.Samples) : inputs.Validity;

    private static bool HasDivergences(MetricInputs inputs) => inputs.Divergences is not null;

    private static string Count(long number, string singular, string? plural = null) =>
        FormattableString.Invariant($"{number} {(number == 1 ? singular : plural ?? singular + "s")}");

    private static JsonValue? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;
}
