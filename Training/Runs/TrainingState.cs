using System.Text.Json;
using System.Text.Json.Serialization;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Recording;
using GumbelGan.Training.Watching;

namespace GumbelGan.Training.Runs;

/// <summary>
/// Everything about a run's progress that weights and optimizers do not hold. Random streams and batches are functions of these numbers.
/// </summary>
public sealed record TrainingState
{
    private const long LargestCount = 1L << 53;

    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        NumberHandling = JsonNumberHandling.Strict,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        MaxDepth = 8,
        WriteIndented = true,
    };

    /// <summary>The name of the phase that the next step belongs to, or <see cref="Training.Phase.Finished"/>.</summary>
    public required string Phase { get; init; }

    /// <summary>Steps done in all phases together; the step of every record.</summary>
    public long Step { get; init; }

    /// <summary>Steps done in this phase.</summary>
    public long PhaseStep { get; init; }

    /// <summary>Generator updates done.</summary>
    public long GeneratorUpdates { get; init; }

    /// <summary>Discriminator updates done.</summary>
    public long DiscriminatorUpdates { get; init; }

    /// <summary>Real sequences read, repeats counted.</summary>
    public long RealSequences { get; init; }

    /// <summary>Sequences generated for training.</summary>
    public long GeneratedSequences { get; init; }

    /// <summary>Time spent in steps, seconds; evaluations, records and checkpoints are not counted.</summary>
    public double TrainingSeconds { get; init; }

    /// <summary>What the objective carries from step to step, such as a moving average of rewards.</summary>
    public IReadOnlyDictionary<string, double> Objective { get; init; } = new Dictionary<string, double>();

    /// <summary>
    /// The lowest validation NLL, nats a token, of the last phase that has been evaluated; null before the first evaluation.
    /// </summary>
    public double? BestValidationNll { get; init; }

    /// <summary>The step of <see cref="BestValidationNll"/>, whose checkpoint is <c>best</c>.</summary>
    public long BestStep { get; init; }

    /// <summary>Whether a phase is about to begin.</summary>
    [JsonIgnore]
    public bool BeginsPhase => PhaseStep == 0 && Phase != Training.Phase.Finished;

    /// <summary>Whether the best weights so far were found in <paramref name="phase"/>, in which the run is.</summary>
    /// <remarks>
    /// The weights that a phase began with were not found in it. They count only where the phase may end with them.
    /// </remarks>
    public bool BestIsOf(Training.Phase phase)
    {
        long began = Step - PhaseStep;
        return BestValidationNll is not null && (BestStep > began || (phase.EndsAtBest && BestStep == began));
    }

    /// <summary>Evaluations since the best one, in the pre-training phase.</summary>
    public int StaleEvaluations { get; init; }

    /// <summary>Times that the run diverged and went back to a checkpoint.</summary>
    public int RollBacks { get; init; }

    /// <summary>What the configured learning rates are multiplied by: a half for each roll-back.</summary>
    public double LearningRateScale { get; init; } = 1;

    /// <summary>What the run has been warned of.</summary>
    public HealthState Health { get; init; } = new();

    /// <summary>Where metrics.jsonl and the event file ended when the checkpoint was written.</summary>
    public RecorderPosition? Recorded { get; init; }

    /// <summary>As JSON.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, _json);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="UserMistakeException">It is malformed.</exception>
    public static TrainingState FromJson(ReadOnlySpan<byte> json, string path)
    {
        TrainingState state;
        try
        {
            state = JsonSerializer.Deserialize<TrainingState>(json, _json) ?? throw new JsonException("it is null");
        }
        catch (JsonException cause)
        {
            throw new UserMistakeException(OfAnotherVersion(json) is { } difference
                ? $"{path} was written by another version of this program ({difference}); go on with that version, or use another checkpoint."
                : $"{path} is no state of a run (line {cause.LineNumber + 1}); use another checkpoint.", cause);
        }

        long[] counts = [state.GeneratorUpdates, state.DiscriminatorUpdates, state.RealSequences, state.GeneratedSequences, state.StaleEvaluations,
            state.RollBacks, state.Health.SaturatedReports];
        bool sane = counts.All(count => count is >= 0 and < LargestCount)
            && state.Step is >= 0 and <= int.MaxValue && state.PhaseStep >= 0 && state.PhaseStep <= state.Step
            && state.BestStep >= 0
                && state.BestStep <= state.Step
                && state.TrainingSeconds is >= 0 and < double.PositiveInfinity && state.LearningRateScale is > 0 and <= 1
                && state.Phase.Length > 0 && state.BestValidationNll is null or (> double.NegativeInfinity and < double.PositiveInfinity);
        return sane ? state : throw new UserMistakeException($"{path} has a count or a number out of range; use another checkpoint.");
    }

    // An object that speaks of a phase or a step, but in other words than ours; null for anything else.
    private static string? OfAnotherVersion(ReadOnlySpan<byte> json)
    {
        string[] ours = [.. typeof(TrainingState).GetProperties().Select(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name))];
        string phase = JsonNamingPolicy.SnakeCaseLower.ConvertName(nameof(Phase)), step = JsonNamingPolicy.SnakeCaseLower.ConvertName(nameof(Step));
        try
        {
            using var document = JsonDocument.Parse(json.ToArray());
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            string[] theirs = [.. document.RootElement.EnumerateObject().Select(property => property.Name)];
            string? unknown = theirs.Except(ours).FirstOrDefault();
            return !theirs.Contains(phase) && !theirs.Contains(step) ? null
                : unknown is not null ? $"'{ConfigurationText.Shown(unknown)}' is unknown here"
                : !theirs.Contains(phase) ? $"'{phase}' is missing" : null;
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
            // No JSON, or names that are no UTF-8.
            return null;
        }
    }
}
