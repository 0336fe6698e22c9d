using System.Globalization;
using System.Text.Json;
using GumbelGan.Storage;

namespace GumbelGan.Training.Runs;

/// <summary>What a run folder's files tell about the run, without loading any model.</summary>
/// <param name="Name">The folder's name.</param>
/// <param name="Status">How far it has come.</param>
/// <param name="Phase">The phase of the last record, or null before the first.</param>
/// <param name="Step">The last recorded step, or null before the first.</param>
/// <param name="BestValidationNll">The lowest <c>nll/validation</c> recorded, in nats per token, or null.</param>
/// <param name="TestNll">The <c>nll/test</c> recorded at the end, in nats per token; null before it, or where no test text was held out.</param>
/// <param name="LastWrite">When the metrics (or, before the first record, the folder) last changed.</param>
public sealed record RunSummary(string Name, RunStatus Status, string? Phase, long? Step, double? BestValidationNll, double? TestNll,
    DateTimeOffset LastWrite)
{
    private const string MetricsFile = "metrics.jsonl";
    private const string ConfigurationFile = "config.yaml";

    /// <summary>The runs directly below <paramref name="folder"/> (folders with a config.yaml), the last changed first.</summary>
    /// <exception cref="UserMistakeException">There is no such folder, or it may not be read.</exception>
    public static IReadOnlyList<RunSummary> ReadAll(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new UserMistakeException($"There is no folder {folder}; give the folder that holds the runs.");
        }

        try
        {
            return [.. Directory.EnumerateDirectories(folder)
                .Where(run => File.Exists(Path.Combine(run, ConfigurationFile)))
                .Select(run => Read(run))
                .OrderByDescending(run => run.LastWrite).ThenBy(run => run.Name, StringComparer.Ordinal)];
        }
        catch (UnauthorizedAccessException cause)
        {
            throw new UserMistakeException($"The folder {folder} may not be read ({cause.Message.TrimEnd('.')}).", cause);
        }
    }

    /// <summary>The run in <paramref name="run"/>.</summary>
    public static RunSummary Read(string run)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(run)));
        var metrics = new FileInfo(Path.Combine(run, MetricsFile));
        if (!metrics.Exists)
        {
            return new RunSummary(name, RunLock.IsHeld(run) ? RunStatus.Running : RunStatus.Empty, null, null, null, null,
                Directory.GetLastWriteTimeUtc(run));
        }

        string? phase = null;
        long? step = null;
        double? best = null;
        double? test = null;
        // The run may be writing at this moment, so others must stay allowed to write and the last line may be half there.
        using var reader = new StreamReader(new FileStream(metrics.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        while (reader.ReadLine() is { } line)
        {
            if (Record(line) is not { } record)
            {
                continue;
            }

            step = Field(record, "step", JsonValueKind.Number) is { } number && number.TryGetInt64(out long whole) ? whole : step;
            phase = Field(record, "phase", JsonValueKind.String)?.GetString() ?? phase;
            // A finished run that was extended has to be finished, and tested, again.
            test = Field(record, "nll/test", JsonValueKind.Number)?.GetDouble();
            double? validation = Field(record, "nll/validation", JsonValueKind.Number)?.GetDouble();
            best = best is null ? validation : validation is null ? best : Math.Min(best.Value, validation.Value);
        }

        bool finished = test is not null || phase == Training.Phase.Finished;
        RunStatus status = RunLock.IsHeld(run) ? RunStatus.Running : finished ? RunStatus.Finished : RunStatus.Stopped;
        return new RunSummary(name, status, phase, step, best, test, metrics.LastWriteTimeUtc);
    }

    /// <summary>The time since <see cref="LastWrite"/> in words: "3 min", "2 h", "5 d".</summary>
    public string AgeInWords(TimeProvider clock)
    {
        TimeSpan age = clock.GetUtcNow() - LastWrite;
        return age switch
        {
            { TotalMinutes: < 1 } => "now",
            { TotalHours: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalMinutes} min"),
            { TotalDays: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalHours} h"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalDays} d"),
        };
    }

    private static JsonElement? Record(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonElement? Field(JsonElement record, string name, JsonValueKind kind) =>
        record.TryGetProperty(name, out JsonElement value) && value.ValueKind == kind ? value : null;
}
