using System.Globalization;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Printing;

/// <summary>What <c>gumbelgan evaluate</c> measured.</summary>
internal static class EvaluationTable
{
    /// <summary>For a script: the last checkpoint's metrics at the top, as in <c>metrics --json</c>; what else there is, beside them.</summary>
    public static JsonObject Document(FinalResults evaluated)
    {
        JsonObject document = MetricCatalogue.ToJson(evaluated.Last);
        document["selected"] = MetricCatalogue.ToJson(evaluated.Selected);
        document["evaluation"] = JsonNode.Parse(evaluated.Document.ToJson());
        return document;
    }

    public static void Write(FinalResults evaluated, TableWriter writer)
    {
        EvaluationDocument evaluation = evaluated.Document;
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{evaluation.Method}, "
            + $"seed {evaluation.Seed}: {evaluation.Status.ToString().ToLowerInvariant()}; {evaluation.Budget.Updates} generator "
            + $"updates, {evaluation.Budget.WallSeconds:F1} seconds of training"));
        if (evaluation.Truncation is { Length: > 0 } truncation)
        {
            writer.WriteLine($"Samples are drawn with {truncation} at every temperature; nll/test is of the distribution before that.");
        }

        if (evaluation.StatusReason is { } reason)
        {
            writer.WriteLine(reason);
        }

        if (evaluation.Last is not { } last || evaluation.Selected is not { } selected)
        {
            return;
        }

        string[] names = [.. evaluation.References.Keys];
        (string Name, IReadOnlyDictionary<string, double?> Metrics)[] checkpoints = evaluation.SelectedIsLast
            ? [(string.Create(CultureInfo.InvariantCulture, $"last = selected (step {last.Step})"), last.Metrics)]
            : [(string.Create(CultureInfo.InvariantCulture, $"last (step {last.Step})"), last.Metrics),
                (string.Create(CultureInfo.InvariantCulture, $"selected (step {selected.Step})"), selected.Metrics)];
        writer.Write(
        [
            ["", .. checkpoints.Select(checkpoint => checkpoint.Name), .. names.Select(name => name.Replace('_', ' '))],
            .. last.Metrics.Keys.Select(tag => (string[])[tag, .. checkpoints.Select(checkpoint => Number(checkpoint.Metrics, tag)),
                .. names.Select(name => Number(evaluation.References[name], tag))]),
        ]);
        WriteOracleCurve(selected, writer);
        writer.WriteLine();
        foreach (MetricResult result in evaluated.Last)
        {
            writer.WriteLine($"{result.Name}: {result.Metric.Definition}");
        }
    }

    // Quality and diversity of one model at several temperatures: neither number says much alone (Caccia et al. 2020).
    private static void WriteOracleCurve(CheckpointMetrics checkpoint, TableWriter writer)
    {
        SweepPoint[] points = [.. checkpoint.Sweep.Where(point => point.Metrics.ContainsKey("nll/oracle"))];
        if (points.Length == 0)
        {
            return;
        }

        writer.WriteLine();
        writer.WriteLine("The selected checkpoint by temperature, in nats a token:");
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
