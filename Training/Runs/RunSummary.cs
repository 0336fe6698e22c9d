using System.Globalization;
using GumbelGan.Storage;

namespace GumbelGan.Training.Runs;

/// <summary>What a run's records tell about it, without loading any model.</summary>
/// <param name="Name">The folder's name.</param>
/// <param name="Status">How far it has come.</param>
/// <param name="LastWrite">When the metrics (or, before the first record, the folder) last changed.</param>
public sealed record RunSummary(string Name, RunStatus Status, DateTimeOffset LastWrite)
{
    private const string ValidationTag = "nll/validation", TestTag = "nll/test";
    private const string ConfigurationFile = "config.yaml";

    /// <summary>The phase of the last record, or null before the first.</summary>
    public string? Phase { get; init; }

    /// <summary>The last recorded step, or null before the first.</summary>
    public long? Step { get; init; }

    /// <summary>The first <c>nll/validation</c> recorded, of untrained weights, nats a token; null before it.</summary>
    public double? FirstValidationNll { get; init; }

    /// <summary>The lowest <c>nll/validation</c> of the last phase that has any, nats a token: that of the selected checkpoint.</summary>
    public double? SelectedValidationNll { get; init; }

    /// <summary>The step of <see cref="SelectedValidationNll"/>.</summary>
    public long? SelectedStep { get; init; }

    /// <summary>The last <c>nll/validation</c> recorded.</summary>
    public double? LastValidationNll { get; init; }

    /// <summary>The phase of the last evaluation; null before the first.</summary>
    public string? EvaluatedPhase { get; init; }

    /// <summary>What the evaluation before those of the last phase recorded, by tag: the model as that phase found it.</summary>
    public IReadOnlyDictionary<string, double> PhaseBegan { get; init; } = new Dictionary<string, double>();

    /// <summary>The same of the last evaluation.</summary>
    public IReadOnlyDictionary<string, double> PhaseEnded { get; init; } = new Dictionary<string, double>();

    /// <summary>The <c>nll/test</c> recorded at the end, of the last weights.</summary>
    public double? TestNll { get; init; }

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
            throw new UserMistakeException($"The folder {folder} may not be read ({cause.Message.TrimEnd('.')}); grant access to it.", cause);
        }
    }

    /// <summary>The run in <paramref name="run"/>.</summary>
    /// <exception cref="UserMistakeException">Its metrics may not be read.</exception>
    public static RunSummary Read(string run)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(run)));
        bool isRunning = RunLock.IsHeld(run);
        var metrics = new FileInfo(Path.Combine(run, MetricsJournal.FileName));
        if (!metrics.Exists)
        {
            return new RunSummary(name, isRunning ? RunStatus.Running : RunStatus.Empty, Directory.GetLastWriteTimeUtc(run));
        }

        // The run may be writing at this moment, so the last line may be half there.
        IReadOnlyList<MetricsRecord> records = MetricsJournal.ReadWhatIsSound(metrics.FullName);
        MetricsRecord[] validated = [.. records.Where(record => Value(record, ValidationTag) is not null)];
        MetricsRecord[] ofLastPhase = [.. validated.Where(record => record.Phase == validated[^1].Phase)];
        MetricsRecord? selected = ofLastPhase.MinBy(record => Value(record, ValidationTag));
        // A run that was extended after its end counts as finished only once it has been tested again.
        double? test = records.Select(record => Value(record, TestTag)).LastOrDefault();
        bool isFinished = test is not null || (records.Count > 0 && records[^1].Phase == Training.Phase.Finished);
        return new RunSummary(name, isRunning ? RunStatus.Running : isFinished ? RunStatus.Finished : RunStatus.Stopped,
            metrics.LastWriteTimeUtc)
        {
            Phase = records.Count == 0 ? null : records[^1].Phase,
            Step = records.Count == 0 ? null : records[^1].Step,
            FirstValidationNll = validated.Length == 0 ? null : Value(validated[0], ValidationTag),
            SelectedValidationNll = selected is null ? null : Value(selected, ValidationTag),
            SelectedStep = selected?.Step,
            LastValidationNll = validated.Length == 0 ? null : Value(validated[^1], ValidationTag),
            EvaluatedPhase = validated.LastOrDefault()?.Phase,
            PhaseBegan = (validated.LastOrDefault(record => record.Phase != validated[^1].Phase) ?? ofLastPhase.FirstOrDefault())?.Scalars
                ?? new Dictionary<string, double>(),
            PhaseEnded = ofLastPhase.LastOrDefault()?.Scalars ?? new Dictionary<string, double>(),
            TestNll = test,
        };
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

    private static double? Value(MetricsRecord record, string tag) =>
        record.Scalars.TryGetValue(tag, out double value) && double.IsFinite(value) ? value : null;
}
