using System.Text.Json.Nodes;

namespace GumbelGan.Evaluation.Metrics;

/// <summary>
/// Every metric of the project. Adding one means a file beside this and a line here; <c>metrics</c>, <c>evaluate</c>, <c>compare</c>, the report and
/// runs that train take tags, definitions and directions from here.
/// </summary>
public static class MetricCatalogue
{
    /// <summary>The metrics, in the order of reports.</summary>
    public static IReadOnlyList<Metric> All { get; } =
    [
        NegativeLogLikelihood.Entry,
        Bleu.Entry,
        SelfBleu.Entry,
        MultisetJaccard.Entry,
        UniqueNGrams.Entry,
        DuplicateRate.Entry,
        NoveltyRate.Entry,
        TokenEntropy.Entry,
        RepetitionRate.Entry,
        LengthDistribution.Entry,
        FrechetDistance.Entry,
        Validity.Entry,
        LikelihoodDivergence.Entry,
        ModelMass.Entry,
        SampledKlModelTrue.Entry,
        SampledKlTrueModel.Entry,
        SampledJensenShannon.Entry,
        SampledTotalVariation.Entry,
        SupportCoverage.Entry,
    ];

    /// <summary>The tags that comparisons show and test unless told otherwise.</summary>
    public static IReadOnlyList<string> ShownTags { get; } = [.. All.SelectMany(metric => metric.Shown.Select(metric.TagOf))];

    /// <summary>The tags that a run records at each evaluation while it trains, beside the validation NLL.</summary>
    public static IReadOnlyList<string> TagsWhileTraining { get; } = [.. All.SelectMany(metric => metric.WhileTraining.Select(metric.TagOf))];

    /// <summary>The tags that stand for quality in charts.</summary>
    public static IReadOnlyList<string> QualityTags { get; } = [.. All.Where(metric => metric.Quality is not null)
        .Select(metric => metric.TagOf(metric.Quality!))];

    /// <summary>The tags that stand for diversity in charts.</summary>
    public static IReadOnlyList<string> DiversityTags { get; } = [.. All.Where(metric => metric.Diversity is not null)
        .Select(metric => metric.TagOf(metric.Diversity!))];

    /// <summary>Computes every metric whose inputs are there.</summary>
    /// <exception cref="ArgumentException">There are no generated sequences, or references or training are given but empty.</exception>
    public static IReadOnlyList<MetricResult> Compute(MetricInputs inputs) => Compute(All, inputs);

    /// <summary>Computes those of <paramref name="metrics"/> whose inputs are there.</summary>
    /// <exception cref="ArgumentException">As above.</exception>
    public static IReadOnlyList<MetricResult> Compute(IEnumerable<Metric> metrics, MetricInputs inputs) => inputs.Generated.Count == 0
        ? throw new ArgumentException("Metrics need at least one generated sequence.", nameof(inputs))
        : [.. metrics.Where(metric => metric.AppliesTo(inputs))
            .Select(metric => new MetricResult(metric, NameOf(metric, inputs), [.. metric.Compute(inputs)]))];

    /// <summary>What a run records of its samples while it trains, with tags.</summary>
    public static IEnumerable<(string Tag, double Value, ConfidenceInterval? Interval)> ComputeWhileTraining(MetricInputs inputs) =>
        Compute(All.Where(metric => metric.WhileTraining.Count > 0), inputs)
            .SelectMany(result => result.Values.Where(value => result.Metric.WhileTraining.Contains(value.Key))
                .Select(value => (result.Metric.TagOf(value.Key), value.Value, value.Interval)));

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

    private static string NameOf(Metric metric, MetricInputs inputs) =>
        metric.Name(inputs) + (inputs.DrawnWith.Length > 0 ? $"; samples drawn with {inputs.DrawnWith}" : "");

    private static JsonValue? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;
}
