using System.Text.Json.Nodes;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Evaluation.Metrics;

namespace GumbelGan.Evaluation.Report;

/// <summary>The numbers behind the report's charts, as the JSON that report.js draws.</summary>
internal static class ReportCharts
{
    /// <summary>The element where learning curves are drawn.</summary>
    public const string CurvePlace = "curve-charts";

    /// <summary>The element where quality is drawn against diversity.</summary>
    public const string TradeOffPlace = "quality-charts";

    private const int MostPoints = 400;
    private const int MostCurves = 24;

    public static JsonObject Document(RunComparison comparison) => new()
    {
        ["methods"] = new JsonArray([.. comparison.Methods.Select(method => (JsonNode)method.Name)]),
        ["charts"] = new JsonArray([.. CurveTags(comparison).Select(tag => (JsonNode)Curve(comparison, tag).ToJson(CurvePlace))]),
        ["trade_offs"] = new JsonArray([.. (from quality in MetricCatalogue.QualityTags from diversity in MetricCatalogue.DiversityTags
            select TradeOff(comparison, quality, diversity)).OfType<JsonNode>()]),
    };

    /// <summary>The tags that get a learning curve, in order.</summary>
    public static IReadOnlyList<string> CurveTags(RunComparison comparison)
    {
        HashSet<string> recorded =
            [.. comparison.Runs.SelectMany(run => run.Curves.Where(curve => curve.Value.Count > 1).Select(curve => curve.Key))];
        return
        [
            .. recorded.OrderBy(Place).ThenBy(tag => tag, StringComparer.Ordinal).Take(MostCurves),
        ];
    }

    // What was minimised first, then what was measured in the catalogue's order, then the rest.
    private static int Place(string tag) => tag.StartsWith("loss/", StringComparison.Ordinal) ? 0
        : MetricCatalogue.ForTag(tag) is { } metric ? 1 + MetricCatalogue.All.ToList().IndexOf(metric) : int.MaxValue;

    private static LineChart Curve(RunComparison comparison, string tag) =>
        new(tag, "step", [.. comparison.Methods.Select(method => Band(method, tag))]);

    // Mean, smallest and largest over the seeds that recorded the step.
    private static ChartLine Band(MethodSummary method, string tag)
    {
        var bySteps = new SortedDictionary<long, List<double>>();
        foreach (CurvePoint point in method.Runs.SelectMany(run => run.Curves.TryGetValue(tag, out IReadOnlyList<CurvePoint>? curve) ? curve : []))
        {
            if (!bySteps.TryGetValue(point.Step, out List<double>? values))
            {
                bySteps[point.Step] = values = [];
            }

            values.Add(point.Value);
        }

        int stride = 1 + ((bySteps.Count - 1) / MostPoints);
        KeyValuePair<long, List<double>>[] kept = [.. bySteps.Where((_, index) => index % stride == 0 || index == bySteps.Count - 1)];
        return new ChartLine(method.Name, [.. kept.Select(pair => (double)pair.Key)], [.. kept.Select(pair => pair.Value.Average())])
        {
            Band = ([.. kept.Select(pair => pair.Value.Min())], [.. kept.Select(pair => pair.Value.Max())]),
        };
    }

    private static JsonObject? TradeOff(RunComparison comparison, string quality, string diversity)
    {
        JsonNode[] lines =
        [
            .. comparison.Methods.SelectMany((method, index) => ComparisonText.Shown(method).Select(checkpoint => (JsonNode)new JsonObject
            {
                ["method"] = index,
                ["name"] = $"{method.Name}, {ComparisonText.Name(method, checkpoint)}",
                ["broken"] = checkpoint == CheckpointChoice.Selected,
                ["points"] = Points(method, checkpoint, quality, diversity),
            })),
        ];
        if (lines.All(line => line["points"]!.AsArray().Count == 0))
        {
            return null;
        }

        return new JsonObject
        {
            ["place"] = TradeOffPlace,
            ["x"] = quality,
            ["y"] = diversity,
            ["lines"] = new JsonArray(lines),
            ["references"] = new JsonArray(
            [
                .. comparison.References.OrderBy(reference => reference.Key, StringComparer.Ordinal)
                    .Where(reference => reference.Value.ContainsKey(quality) && reference.Value.ContainsKey(diversity))
                    .Select(reference => (JsonNode)new JsonObject
                    {
                        ["name"] = reference.Key.Replace('_', ' '),
                        ["x"] = reference.Value[quality].Mean,
                        ["y"] = reference.Value[diversity].Mean,
                    }),
            ]),
        };
    }

    private static JsonArray Points(MethodSummary method, CheckpointChoice checkpoint, string quality, string diversity) => new(
    [
        .. method.Sweep(checkpoint).Where(point => point.Metrics.ContainsKey(quality) && point.Metrics.ContainsKey(diversity))
            .Select(point => (JsonNode)new JsonObject
            {
                ["temperature"] = point.Temperature,
                ["x"] = point.Metrics[quality].Mean,
                ["y"] = point.Metrics[diversity].Mean,
            }),
    ]);
}
