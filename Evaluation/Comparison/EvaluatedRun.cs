using System.Text.Json;
using GumbelGan.Storage;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace GumbelGan.Evaluation.Comparison;

/// <summary>What a finished run's folder tells a comparison.</summary>
/// <param name="Name">The folder's name.</param>
/// <param name="Evaluation">Its evaluation.json.</param>
/// <param name="Configuration">Its config.yaml, flattened: "generator.hidden_size" to "64".</param>
/// <param name="Environment">Its environment.json, flattened in the same way.</param>
/// <param name="Curves">Its metrics.jsonl: for each tag the points (step, value), steps ascending.</param>
public sealed record EvaluatedRun(
    string Name,
    RunEvaluation Evaluation,
    IReadOnlyDictionary<string, string> Configuration,
    IReadOnlyDictionary<string, string> Environment,
    IReadOnlyDictionary<string, IReadOnlyList<CurvePoint>> Curves)
{
    /// <summary>Reads the run in <paramref name="folder"/>.</summary>
    /// <exception cref="UserMistakeException">It is no run folder, it was not evaluated yet, or a file is damaged.</exception>
    public static EvaluatedRun Read(string folder)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        string evaluation = Path.Combine(folder, RunEvaluation.FileName);
        if (!Directory.Exists(folder))
        {
            throw new UserMistakeException($"There is no run folder {folder}; give folders that 'gumbelgan train' made.");
        }

        if (!File.Exists(evaluation))
        {
            throw new UserMistakeException(
                $"{folder} has no {RunEvaluation.FileName}; let its training finish, or run 'gumbelgan evaluate {folder}' first.");
        }

        return new EvaluatedRun(
            name,
            RunEvaluation.Parse(File.ReadAllText(evaluation), evaluation),
            FlattenYaml(Path.Combine(folder, "config.yaml")),
            FlattenYaml(Path.Combine(folder, "environment.json")),
            ReadCurves(Path.Combine(folder, "metrics.jsonl")));
    }

    // JSON is YAML too, so one reader serves config.yaml and environment.json. The representation model builds no objects of our types.
    private static Dictionary<string, string> FlattenYaml(string path)
    {
        var flat = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!File.Exists(path))
        {
            return flat;
        }

        try
        {
            RefuseUnbounded(path);
            var stream = new YamlStream();
            using var reader = new StreamReader(path);
            stream.Load(reader);
            foreach (YamlDocument document in stream.Documents)
            {
                Flatten(document.RootNode, "", flat);
            }
        }
        catch (YamlException cause)
        {
            throw new UserMistakeException($"{path} cannot be read at line {cause.Start.Line} ({cause.Message.TrimEnd('.')}).", cause);
        }

        return flat;
    }

    // The program writes these files without aliases and a few levels deep; an alias or a thousand levels could cost any time and any memory.
    private static void RefuseUnbounded(string path)
    {
        const int LargestFile = 1 << 20, DeepestLevel = 32;
        if (new FileInfo(path).Length > LargestFile)
        {
            throw new UserMistakeException($"{path} is larger than any that a run writes; restore the run's own.");
        }

        using var reader = new StreamReader(path);
        var parser = new Parser(reader);
        for (int level = 0; parser.MoveNext();)
        {
            level += parser.Current!.NestingIncrease;
            if (level > DeepestLevel || parser.Current is AnchorAlias)
            {
                throw new UserMistakeException(
                    $"{path} has an alias or is nested too deeply at line {parser.Current.Start.Line}; restore the run's own.");
            }
        }
    }

    private static void Flatten(YamlNode node, string prefix, Dictionary<string, string> flat)
    {
        switch (node)
        {
            case YamlMappingNode mapping:
                foreach ((YamlNode key, YamlNode value) in mapping.Children)
                {
                    string name = key.ToString();
                    Flatten(value, prefix.Length == 0 ? name : $"{prefix}.{name}", flat);
                }

                break;
            case YamlSequenceNode sequence:
                flat[prefix] = $"[{string.Join(", ", sequence.Children.Select(child => child.ToString()))}]";
                break;
            case YamlScalarNode scalar when prefix.Length > 0:
                flat[prefix] = scalar.Value ?? "";
                break;
            default:
                break;
        }
    }

    private static Dictionary<string, IReadOnlyList<CurvePoint>> ReadCurves(string path)
    {
        var curves = new Dictionary<string, SortedDictionary<long, double>>(StringComparer.Ordinal);
        foreach (string line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            using JsonDocument? document = Record(line);
            if (document?.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("step", out JsonElement step)
                || step.ValueKind != JsonValueKind.Number
                || !step.TryGetInt64(out long at))
            {
                continue;
            }

            foreach (JsonProperty field in document.RootElement.EnumerateObject())
            {
                if (field.Value.ValueKind == JsonValueKind.Number && field.Name != "step")
                {
                    if (!curves.TryGetValue(field.Name, out SortedDictionary<long, double>? curve))
                    {
                        curves[field.Name] = curve = [];
                    }

                    // A resumed run may have recorded a step twice; the later record stands.
                    curve[at] = field.Value.GetDouble();
                }
            }
        }

        return curves.ToDictionary(
            pair => pair.Key, pair =>
                (IReadOnlyList<CurvePoint>)[.. pair.Value.Select(point => new CurvePoint(point.Key, point.Value))], StringComparer.Ordinal);
    }

    // A run killed while writing leaves half a line at the end.
    private static JsonDocument? Record(string line)
    {
        try
        {
            return JsonDocument.Parse(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>A recorded scalar.</summary>
/// <param name="Step">When.</param>
/// <param name="Value">What.</param>
public readonly record struct CurvePoint(long Step, double Value);
