using System.Text.Json;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation.Metrics;

namespace GumbelGan.Evaluation.Comparison;

/// <summary>A comparison as one JSON document; what is undefined or unbounded is null.</summary>
public static class ComparisonJson
{
    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    /// <summary>The document, indented.</summary>
    public static string Render(RunComparison comparison) => Document(comparison).ToJsonString(_indented);

    private static JsonObject Document(RunComparison comparison) => new()
    {
        ["forced"] = comparison.Objections.Count > 0,
        ["objections"] = new JsonArray([.. comparison.Objections.Select(objection => (JsonNode)objection)]),
        ["notes"] = new JsonArray([.. comparison.Notes.Select(note => (JsonNode)note)]),
        ["baseline"] = comparison.Baseline,
        ["metrics"] = new JsonArray([.. comparison.Tags.Select(tag => (JsonNode)tag)]),
        ["definitions"] = new JsonObject(MetricCatalogue.All
            .Where(metric => comparison.Tags.Any(tag => MetricCatalogue.ForTag(tag) == metric))
            .Select(metric => KeyValuePair.Create(metric.Key,
                (JsonNode?)$"{comparison.MetricNames.GetValueOrDefault(metric.Key, metric.Key)}: {metric.Definition}"))),
        ["references"] = new JsonObject(
            comparison.References.Select(reference => KeyValuePair.Create(reference.Key, (JsonNode?)Summaries(reference.Value, comparison.Tags)))),
        ["methods"] = new JsonArray([.. comparison.Methods.Select(method => (JsonNode)Method(method, comparison.Tags))]),
        ["tests"] = new JsonArray([.. comparison.Tests.Select(test => (JsonNode)Test(test))]),
        ["configuration_differences"] = new JsonObject(comparison.ConfigurationDifferences.Select(difference => KeyValuePair.Create(
            difference.Key,
            (JsonNode?)new JsonObject(difference.Values.Select(value => KeyValuePair.Create(value.Key, (JsonNode?)value.Value)))))),
    };

    private static JsonObject Method(MethodSummary method, IReadOnlyList<string> tags) => new()
    {
        ["name"] = method.Name,
        ["runs"] = new JsonArray([.. method.Runs.Select(run => (JsonNode)run.Name)]),
        ["seeds"] = new JsonArray([.. method.Runs.Select(run => (JsonNode)run.Evaluation.Seed)]),
        ["completed"] = method.Count(RunOutcome.Completed),
        ["collapsed"] = method.Count(RunOutcome.Collapsed),
        ["failed"] = method.Count(RunOutcome.Failed),
        ["updates"] = Summary(method.Updates),
        ["sequences_seen"] = Summary(method.SequencesSeen),
        ["wall_seconds"] = Summary(method.WallSeconds),
        ["selected"] = Summaries(method.Selected, tags),
        ["selected_steps"] = Steps(method, CheckpointChoice.Selected),
        ["last"] = Summaries(method.Last, tags),
        ["last_steps"] = Steps(method, CheckpointChoice.Last),
        ["selected_is_last"] = method.SelectedIsLast,
    };

    private static JsonObject Summaries(IReadOnlyDictionary<string, SeedSummary> summaries, IReadOnlyList<string> tags) =>
        new(tags.Where(summaries.ContainsKey).Select(tag => KeyValuePair.Create(tag, (JsonNode?)Summary(summaries[tag]))));

    private static JsonObject Summary(SeedSummary summary) => new()
    {
        ["count"] = summary.Count,
        ["mean"] = Number(summary.Mean),
        ["standard_deviation"] = Number(summary.StandardDeviation),
        ["interval"] = Interval(summary.Interval),
    };

    private static JsonObject Test(MethodTest test) => new()
    {
        ["metric"] = test.Tag,
        ["checkpoint"] = test.Checkpoint == CheckpointChoice.Selected ? "selected" : "last",
        ["is_of_both"] = test.IsOfBoth,
        ["method"] = test.Method,
        ["test"] = test.Result.Kind == MeanTest.Paired ? "paired" : "welch",
        ["difference"] = Number(test.Result.Difference),
        ["interval"] = Interval(test.Result.Interval),
        ["t"] = Number(test.Result.Statistic),
        ["degrees_of_freedom"] = Number(test.Result.DegreesOfFreedom),
        ["p_value"] = Number(test.Result.PValue),
        ["holm_p_value"] = Number(test.HolmPValue),
        ["effect_size"] = Number(test.Result.EffectSize),
    };

    private static JsonArray Steps(MethodSummary method, CheckpointChoice checkpoint) =>
        new([.. method.Steps(checkpoint).Select(step => (JsonNode)step)]);

    private static JsonArray Interval(ConfidenceInterval interval) => new(Number(interval.Lower), Number(interval.Upper));

    private static JsonValue? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;
}
