using System.Globalization;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Printing;

/// <summary>What <c>gumbelgan evaluate</c> measured.</summary>
internal static class EvaluationTable
{
    /// <summary>For a script: the last checkpoint's metrics at the top, as in <c>metrics --json</c>; what else there is, beside them.</summary>
    public static JsonObject Document(EvaluatedCheckpoints evaluated)
    {
        JsonObject document = MetricCatalogue.ToJson(evaluated.Last);
        document["best"] = MetricCatalogue.ToJson(evaluated.Best);
        document["evaluation"] = JsonNode.Parse(evaluated.Evaluation.ToJson());
        return document;
    }

    public static void Write(EvaluatedCheckpoints evaluated, TableWriter writer)
    {
        RunEvaluation evaluation = evaluated.Evaluation;
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{evaluation.Method}, "
            + $"seed {evaluation.Seed}: {evaluation.Status.ToString().ToLowerInvariant()}; {evaluation.Budget.Updates} generator "
            + $"updates, {evaluation.Budget.WallSeconds:F1} seconds of training"));
        if (evaluation.StatusReason is { } reason)
        {
            writer.WriteLine(reason);
        }

        if (evaluation.Last is not { } last || evaluation.Best is not { } best)
        {
            return;
        }

        string[] names = [.. evaluation.References.Keys];
        writer.Write(
        [
            ["", string.Create(CultureInfo.InvariantCulture, $"last (step {last.Step})"),
                string.Create(CultureInfo.InvariantCulture, $"best (step {best.Step})"), .. names.Select(name => name.Replace('_', ' '))],
            .. last.Metrics.Keys.Select(tag => (string[])[tag, Number(last.Metrics, tag), Number(best.Metrics, tag),
                .. names.Select(name => Number(evaluation.References[name], tag))]),
        ]);
        WriteOracleCurve(evaluation, writer);
        writer.WriteLine();
        foreach (MetricResult result in evaluated.Last)
        {
            writer.WriteLine($"{result.Name}: {result.Metric.Definition}");
        }
    }

    // Quality and diversity of one model at several temperatures: neither number says much alone (Caccia et al. 2020).
    private static void WriteOracleCurve(RunEvaluation evaluation, TableWriter writer)
    {
        SweepPoint[] points = [.. evaluation.Sweep.Where(point => point.Metrics.ContainsKey("nll/oracle"))];
        if (points.Length == 0)
        {
            return;
        }

        writer.WriteLine();
        writer.WriteLine("By temperature, in nats a token:");
        writer.Write(
        [
            ["temperature", "nll/test", "nll/oracle", "half-sum"],
            .. points.Select(point => (string[])
            [
                point.Temperature.ToString(CultureInfo.InvariantCulture), Number(point.Metrics, "nll/test"), Number(point.Metrics, "nll/oracle"),
                ((point.Metrics["nll/test"] + point.Metrics["nll/oracle"]) / 2)?.ToString("F4", CultureInfo.InvariantCulture) ?? "undefined",
            ]),
        ]);
    }

    private static string Number(IReadOnlyDictionary<string, double?> metrics, string tag) =>
        !metrics.TryGetValue(tag, out double? value) ? "-" : value?.ToString("F4", CultureInfo.InvariantCulture) ?? "undefined";
}
