using System.Text.Json.Nodes;
using GumbelGan.Evaluation.Comparison;

namespace GumbelGan.Evaluation.Report;

/// <summary>The numbers behind the report's charts, as the JSON that report.js draws.</summary>
internal static class ReportCharts
{
    /// <summary>The element where learning curves are drawn.</summary>
    public const string CurvePlace = "curve-charts";

    /// <summary>The element where quality is drawn against diversity.</summary>
    public const string TradeOffPlace = "quality-charts";

    private const int MostPoints = 400;
    private const int MostCurves = 16;

    // Charts in this order first, then whatever else was recorded.
    private static readonly string[] _preferred =
    [
        "nll/validation", "loss/generator", "loss/discriminator", "loss/mle", "bleu/4", "self_bleu/4", "nll/oracle",
            "divergence/kl_model_true", "validity",
        "score/real", "score/fake", "temperature", "gradient_norm/generator", "gradient_norm/discriminator",
    ];

    private static readonly (string Quality, string Diversity)[] _tradeOffs =
    [
        ("bleu/4", "self_bleu/4"), ("nll/oracle", "nll/test"), ("validity", "coverage/mass"), ("validity", "divergence/kl_model_true"),
            ("bleu/4", "ms_jaccard/4"),
        ("validity", "likelihood_divergence/kl_true_model"), ("bleu/4", "nll/test"),
    ];

    public static JsonObject Document(RunComparison comparison) => new()
    {
        ["methods"] = new JsonArray([.. comparison.Methods.Select(method => (JsonNode)method.Name)]),
        ["charts"] = new JsonArray([.. CurveTags(comparison).Select(tag => (JsonNode)Curve(comparison, tag).ToJson(CurvePlace))]),
        ["trade_offs"] = new JsonArray([.. _tradeOffs.Select(pair => TradeOff(comparison, pair.Quality, pair.Diversity)).OfType<JsonNode>()]),
    };

    /// <summary>The tags that get a learning curve, in order.</summary>
    public static IReadOnlyList<string> CurveTags(RunComparison comparison)
    {
        HashSet<string> recorded =
            [.. comparison.Runs.SelectMany(run => run.Curves.Where(curve => curve.Value.Count > 1).Select(curve => curve.Key))];
        return
        [
            .. _preferred.Where(recorded.Contains)
                .Concat(recorded.Except(_preferred, StringComparer.Ordinal).Order(StringComparer.Ordinal))
                .Take(MostCurves),
        ];
    }

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
        JsonNode[] methods = [.. comparison.Methods.Select(method => (JsonNode)Points(method, quality, diversity))];
        if (methods.All(points => points.AsArray().Count == 0))
        {
            return null;
        }

        return new JsonObject
        {
            ["place"] = TradeOffPlace,
            ["x"] = quality,
            ["y"] = diversity,
            ["methods"] = new JsonArray(methods),
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

    private static JsonArray Points(MethodSummary method, string quality, string diversity) => new(
    [
        .. method.Runs.SelectMany(run => run.Evaluation.Sweep)
            .GroupBy(point => point.Temperature)
            .OrderBy(group => group.Key)
            .Select(group => (Temperature: group.Key, Values: group.Select(point => MethodSummary.Defined(point.Metrics))
                .Where(values => values.ContainsKey(quality) && values.ContainsKey(diversity)).ToArray()))
            .Where(point => point.Values.Length > 0)
            .Select(point => (JsonNode)new JsonObject
            {
                ["temperature"] = point.Temperature,
                ["x"] = point.Values.Average(values => values[quality]),
                ["y"] = point.Values.Average(values => values[diversity]),
            }),
    ]);
}
