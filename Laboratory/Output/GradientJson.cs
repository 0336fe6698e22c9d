using System.Text.Json;
using System.Text.Json.Nodes;

namespace GumbelGan.Laboratory.Output;

/// <summary>Tables as one JSON document. Numbers that noise is too large to tell are null, and so are standard errors of exact numbers.</summary>
public static class GradientJson
{
    private static readonly JsonSerializerOptions _indented =
        new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The document, indented.</summary>
    public static string Render(IReadOnlyList<GradientTable> tables) => new JsonObject
    {
        ["tables"] = new JsonArray([.. tables.Select(table => (JsonNode)Table(table))]),
        ["definitions"] =
            new JsonObject(GradientTable.Definitions.Select(definition => KeyValuePair.Create(definition.Name, (JsonNode?)definition.Meaning))),
    }.ToJsonString(_indented);

    private static JsonObject Table(GradientTable table) => new()
    {
        ["title"] = table.Title,
        ["setting"] = new JsonObject(table.Setting.Select(fact => KeyValuePair.Create(fact.Name, (JsonNode?)Number(fact.Value)))),
        ["notes"] = new JsonArray([.. table.Notes.Select(note => (JsonNode)note)]),
        ["batch"] = table.Batch,
        ["rows"] = new JsonArray([.. table.Rows.Select(row => (JsonNode)Row(row))]),
    };

    private static JsonObject Row(GradientRow row) => new()
    {
        ["estimator"] = row.Estimator,
        ["temperature"] = row.Temperature,
        ["feedback"] = row.Feedback?.ToString().ToLowerInvariant(),
        ["moments"] = row.Source.ToString().ToLowerInvariant(),
        ["relative_bias"] = Value(row.Quality.RelativeBias),
        ["cosine"] = Value(row.Quality.Cosine),
        ["norm_ratio"] = Value(row.Quality.NormRatio),
        ["variance"] = Value(row.Quality.Variance),
        ["mean_squared_error"] = Value(row.Quality.MeanSquaredError),
        ["batch_cosine"] = row.BatchCosine is { } cosine ? Value(cosine) : null,
        ["microseconds"] = Number(row.Microseconds),
        ["microseconds_a_unit_of_error"] = Number(row.MicrosecondsAUnitOfError),
    };

    private static JsonObject Value(Estimate estimate) =>
        new() { ["value"] = Number(estimate.Value), ["standard_error"] = estimate.Error is { } error ? Number(error) : null };

    private static JsonValue? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;
}
