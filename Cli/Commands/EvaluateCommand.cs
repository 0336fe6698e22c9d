using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Storage;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan evaluate</c>: measures a finished run on the test split and writes its evaluation.json.</summary>
internal static class EvaluateCommand
{
    private static readonly JsonSerializerOptions _json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The command, writing to the output of <paramref name="surroundings"/>.</summary>
    public static Command Create(Surroundings surroundings)
    {
        var defaults = new EvaluationOptions();
        var run = new Argument<string>("run") { Description = "The folder of a finished run." };
        var count = new Option<int>("--count")
        {
            HelpName = "number",
            Description = "Sequences to draw; BLEU and the like use no more than there "
            + "are validation lines.",
            DefaultValueFactory = _ => defaults.Count
        };
        var temperatures = new Option<string>("--temperatures")
        {
            HelpName = "list",
            Description = "Sampling temperatures of the quality-diversity curves, separated by commas.",
            DefaultValueFactory = _ => string.Join(',', defaults.Temperatures.Select(value => value.ToString(CultureInfo.InvariantCulture))),
        };
        var grammar = new Option<string>("--grammar")
        {
            HelpName = "file",
            Description = "The grammar that the corpus was drawn from; adds validity and exact divergences."
        };
        var method = new Option<string>("--method")
        {
            HelpName = "name",
            Description = "What 'compare' calls this run's method; without it, the objective and its kind."
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        var command = new ExplainedCommand("evaluate",
            "Measures a finished run on the test split, last and validation-selected checkpoint, and writes evaluation.json into its folder.")
        {
            Examples =
            [
                new("gumbelgan evaluate runs/captions", "every metric, beside real held-out text and a memoriser"),
                new("gumbelgan evaluate runs/captions --grammar corpora/captions.grammar --temperatures 0.5,1,1.5",
                    "validity and divergences from the true distribution; three temperatures"),
            ],
        };
        command.Arguments.Add(run);
        foreach (Option option in (Option[])[count, temperatures, grammar, method, json])
        {
            command.Options.Add(option);
        }

        command.SetAction(parsed =>
        {
            var options = new EvaluationOptions
            {
                Count = parsed.GetValue(count),
                Temperatures = Temperatures(parsed.GetValue(temperatures)!),
                Grammar = parsed.GetValue(grammar),
                Method = parsed.GetValue(method),
            };
            if (options.Count < 2)
            {
                throw new UserMistakeException($"--count is {options.Count}; draw at least two sequences.");
            }

            EvaluatedCheckpoints evaluated = RunEvaluator.Evaluate(parsed.GetRequiredValue(run), options, surroundings.Cancellation);
            if (parsed.GetValue(json))
            {
                surroundings.Output.WriteLine(Document(evaluated).ToJsonString(_json));
            }
            else
            {
                WriteTable(evaluated, surroundings.Output);
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static double[] Temperatures(string list)
    {
        var values = new SortedSet<double>();
        foreach (string item in list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!double.TryParse(item, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !(value >= 0.01 && value <= 100))
            {
                throw new UserMistakeException(
                    $"--temperatures has '{item}'; give numbers from 0.01 to 100, separated by commas, such as 0.5,1,1.5.");
            }

            values.Add(value);
        }

        return [.. values];
    }

    // The last checkpoint's metrics stand at the top, as in 'metrics --json'; what else there is, beside them.
    private static JsonObject Document(EvaluatedCheckpoints evaluated)
    {
        JsonObject document = MetricCatalogue.ToJson(evaluated.Last);
        document["best"] = MetricCatalogue.ToJson(evaluated.Best);
        document["evaluation"] = JsonNode.Parse(evaluated.Evaluation.ToJson());
        return document;
    }

    private static void WriteTable(EvaluatedCheckpoints evaluated, TextWriter output)
    {
        RunEvaluation evaluation = evaluated.Evaluation;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{evaluation.Method}, "
            + $"seed {evaluation.Seed}: {evaluation.Status.ToString().ToLowerInvariant()}; {evaluation.Budget.Updates} generator "
            + $"updates, {evaluation.Budget.WallSeconds:F1} seconds of training"));
        if (evaluation.StatusReason is { } reason)
        {
            output.WriteLine(reason);
        }

        if (evaluation.Last is not { } last || evaluation.Best is not { } best)
        {
            return;
        }

        string[] names = [.. evaluation.References.Keys];
        string[][] rows =
        [
            ["", string.Create(CultureInfo.InvariantCulture, $"last (step {last.Step})"),
                string.Create(CultureInfo.InvariantCulture, $"best (step {best.Step})"), .. names.Select(name => name.Replace('_', ' '))],
            .. last.Metrics.Keys.Select(tag => (string[])[tag, Number(last.Metrics, tag), Number(best.Metrics, tag),
                .. names.Select(name => Number(evaluation.References[name], tag))]),
        ];
        output.Write(TextTable.Render(rows));
        output.WriteLine();
        foreach (MetricResult result in evaluated.Last)
        {
            output.WriteLine($"{result.Name}: {result.Metric.Definition}");
        }
    }

    private static string Number(IReadOnlyDictionary<string, double?> metrics, string tag) =>
        !metrics.TryGetValue(tag, out double? value) ? "-" : value?.ToString("F4", CultureInfo.InvariantCulture) ?? "undefined";
}
