using System.Text.Json;
using System.Text.Json.Serialization;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Generators;
using GumbelGan.Storage;

namespace GumbelGan.Evaluation.Comparison;

/// <summary>
/// The final evaluation of one run on the test set: <c>evaluation.json</c> in the run folder, keys in snake_case. Whoever writes it computes both
/// checkpoints with the same metrics, sample counts and temperatures; <see cref="RunComparison"/> reads nothing else for its numbers.
/// </summary>
public sealed record EvaluationDocument
{
    /// <summary>The file's name in a run folder.</summary>
    public const string FileName = "evaluation.json";

    // Version 1 selected over the whole run, pre-training included, and swept the selected checkpoint only.
    private const int CurrentVersion = 2;

    /// <summary>The version of this schema that the file was written in.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>The method's name; runs of equal name are seeds of one method.</summary>
    public required string Method { get; init; }

    /// <summary>The run's root seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How the run ended.</summary>
    public required RunOutcome Status { get; init; }

    /// <summary>For a collapsed or failed run, one sentence on how that was judged.</summary>
    public string? StatusReason { get; init; }

    /// <summary>SHA-256 of the corpus file.</summary>
    public required string CorpusHash { get; init; }

    /// <summary>SHA-256 of the ids of training, validation and test sequences: what was learned and judged, wherever its file lies.</summary>
    public string SplitHash { get; init; } = "";

    /// <summary>The most tokens that each token of a sample was drawn among; 0 for no limit.</summary>
    public int TopK { get; init; }

    /// <summary>The share of probability that each token of a sample was drawn among; 1 for no limit.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Hash of the vocabulary.</summary>
    public required string VocabularyHash { get; init; }

    /// <summary>Trainable parameters.</summary>
    public required ParameterCounts Parameters { get; init; }

    /// <summary>What the run was allowed, and what it used.</summary>
    public required RunBudget Budget { get; init; }

    /// <summary>The resolved configuration by key: "generator.hidden" to "64".</summary>
    public IReadOnlyDictionary<string, string> Configuration { get; init; } = new Dictionary<string, string>();

    /// <summary>The commit of the source that trained the run; null where unknown.</summary>
    public string? Commit { get; init; }

    /// <summary>The checkpoint at the end; null for a failed run.</summary>
    public CheckpointMetrics? Last { get; init; }

    /// <summary>The checkpoint selected on validation data within the run's last phase; null for a failed run.</summary>
    public CheckpointMetrics? Selected { get; init; }

    /// <summary>Whether <see cref="Selected"/> and <see cref="Last"/> are the same weights, whatever their steps.</summary>
    public bool SelectedIsLast { get; init; }

    /// <summary>
    /// The same metrics of what is no model: "held_out" (real held-out text, disjoint from the references) "memoriser" (training lines resampled), on
    /// grammars "grammar" (fresh draws). By name, then by tag.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, double?>> References { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, double?>>();

    /// <summary>
    /// The reported name of each metric by its key, sample counts and smoothing included: <see cref="MetricResult.Name"/>. Runs whose names differ do
    /// not compare.
    /// </summary>
    public IReadOnlyDictionary<string, string> MetricNames { get; init; } = new Dictionary<string, string>();

    /// <summary>How samples were drawn beside their temperatures, "top-k 40"; empty for the model itself.</summary>
    [JsonIgnore]
    public string Truncation => new SamplingRule { TopK = TopK, TopP = TopP }.Description;

    /// <summary>One of the two checkpoints; null for a failed run.</summary>
    public CheckpointMetrics? At(CheckpointChoice checkpoint) => checkpoint == CheckpointChoice.Last ? Last : Selected;

    /// <summary>The document, indented. Write it atomically.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, EvaluationDocumentJson.Default.EvaluationDocument);

    /// <summary>Reads a document.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">Where it came from, for the message.</param>
    /// <exception cref="UserMistakeException">It is not a valid evaluation.</exception>
    public static EvaluationDocument Parse(string json, string source)
    {
        try
        {
            EvaluationDocument evaluation = JsonSerializer.Deserialize(json, EvaluationDocumentJson.Default.EvaluationDocument)
                ?? throw new JsonException("The document is null.");
            if (!evaluation.IsWhole)
            {
                throw new UserMistakeException($"{source} lacks a part of an evaluation; evaluate the run again.");
            }

            return evaluation.Version == CurrentVersion
                ? evaluation
                : throw new UserMistakeException($"{source} has version {evaluation.Version}, but this program reads version {CurrentVersion}; "
                    + "evaluate the run again with this program.");
        }
        catch (JsonException cause)
        {
            throw new UserMistakeException($"{source} is not a valid evaluation (line {cause.LineNumber + 1}); evaluate the run again.", cause);
        }
    }

    // What a file does not say is null, whatever the initialisers here.
    private bool IsWhole => Configuration is not null && References is not null && MetricNames is not null
        && new[] { Last, Selected }.All(checkpoint => checkpoint is null or { Metrics: not null, Sweep: not null, Samples: not null });

    /// <summary>Metric values by tag, as this document stores them: what is not finite becomes null.</summary>
    public static IReadOnlyDictionary<string, double?> Tagged(IEnumerable<MetricResult> results) =>
        results.SelectMany(result => result.Tagged).ToDictionary(pair => pair.Tag, pair => double.IsFinite(pair.Value) ? pair.Value : (double?)null);
}

/// <summary>How a run ended.</summary>
public enum RunOutcome
{
    /// <summary>Trained to the end of its budget.</summary>
    [JsonStringEnumMemberName("completed")]
    Completed,

    /// <summary>Trained to the end, but the model produces hardly more than one sequence. It counts in every mean.</summary>
    [JsonStringEnumMemberName("collapsed")]
    Collapsed,

    /// <summary>Ended by an error or by numbers that are not finite. It has no metrics and is counted.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}

/// <summary>Trainable parameters.</summary>
/// <param name="Generator">Of the generator.</param>
/// <param name="Discriminator">Of the discriminator; 0 for a method without one.</param>
public sealed record ParameterCounts(long Generator, long Discriminator);

/// <summary>The budget that a run was given, and what it used.</summary>
/// <param name="Unit">In what the limit is counted: "updates" of the generator, "sequences" seen, or "seconds".</param>
/// <param name="Limit">The limit; equal for runs that compare.</param>
/// <param name="Updates">Generator updates made, pre-training included.</param>
/// <param name="SequencesSeen">Real training sequences shown to any part, repeats included.</param>
/// <param name="WallSeconds">Training time, evaluation excluded.</param>
public sealed record RunBudget(string Unit, double Limit, long Updates, long SequencesSeen, double WallSeconds);

/// <summary>One checkpoint on the test set.</summary>
/// <param name="Step">Its step.</param>
/// <param name="Metrics">Numbers by tag ("bleu/4"); null where undefined.</param>
/// <param name="SelectedBy">The validation metric that chose it; null for the last.</param>
public sealed record CheckpointMetrics(long Step, IReadOnlyDictionary<string, double?> Metrics, string? SelectedBy = null)
{
    /// <summary>The metrics over sampling temperatures, in ascending order.</summary>
    public IReadOnlyList<SweepPoint> Sweep { get; init; } = [];

    /// <summary>Some sequences, decoded, at the temperature of the metrics.</summary>
    public IReadOnlyList<string> Samples { get; init; } = [];
}

/// <summary>All metrics at one sampling temperature.</summary>
/// <param name="Temperature">Logits are divided by it.</param>
/// <param name="Metrics">Numbers by tag; null where undefined.</param>
public sealed record SweepPoint(double Temperature, IReadOnlyDictionary<string, double?> Metrics);

/// <summary>Serialisation of <see cref="EvaluationDocument"/>, generated at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, UseStringEnumConverter = true,
        RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(EvaluationDocument))]
internal sealed partial class EvaluationDocumentJson : JsonSerializerContext;
