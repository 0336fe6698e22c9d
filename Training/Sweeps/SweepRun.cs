using GumbelGan.Evaluation.Comparison;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;

namespace GumbelGan.Training.Sweeps;

/// <summary>One run of a sweep: a setting with a seed.</summary>
/// <param name="Index">Its place in the sweep, from 0.</param>
/// <param name="Name">Its folder's name.</param>
/// <param name="Setting">What is tried.</param>
/// <param name="Config">All of its configuration.</param>
/// <param name="SweepFolder">Where the runs of the sweep are.</param>
public sealed record SweepRun(int Index, string Name, SweepSetting Setting, RunConfig Config, string SweepFolder)
{
    // What a run may differ in from what the file says: it changes no number, or is what 'from' makes of it.
    private static readonly string[] _freeKeys = ["threads", "device", "from"];

    /// <summary>The run's folder.</summary>
    public string Folder => Path.Combine(SweepFolder, Name);

    /// <summary>The file that whoever does this run has locked; beside the run's folder, which training makes.</summary>
    public string Lock => Path.Combine(LocksIn(SweepFolder), Name);

    /// <summary>What the process that did it printed.</summary>
    public string Log => Path.Combine(LogsIn(SweepFolder), $"{Name}.txt");

    /// <summary>How far it has come.</summary>
    public SweepRunStatus Status => RunLock.IsFileHeld(Lock) ? SweepRunStatus.Busy : StatusOnDisk;

    /// <summary>Whether nothing is left to do: it is finished and evaluated, or has diverged.</summary>
    public bool HasEnded => Status is SweepRunStatus.Done or SweepRunStatus.Failed;

    /// <summary>Why its training diverged; null where it did not.</summary>
    public string? Failure => File.Exists(FailureFile) ? File.ReadAllText(FailureFile).Trim() : null;

    /// <summary>The same whether somebody is at it or not: for whoever holds the lock.</summary>
    internal SweepRunStatus StatusOnDisk
    {
        get
        {
            if (!File.Exists(ConfigFile))
            {
                return SweepRunStatus.Waiting;
            }

            bool isEvaluated = File.Exists(Path.Combine(Folder, EvaluationDocument.FileName));
            if (File.Exists(FailureFile))
            {
                return isEvaluated || !HasTest ? SweepRunStatus.Failed : SweepRunStatus.Trained;
            }

            RunFolder folder = RunFolder.Open(Folder);
            return folder.LatestName() is null || folder.Latest().State().Phase != Phase.Finished ? SweepRunStatus.Interrupted
                : isEvaluated || RunSummary.Read(Folder).TestNll is null ? SweepRunStatus.Done : SweepRunStatus.Trained;
        }
    }

    private string ConfigFile => Path.Combine(Folder, "config.yaml");

    private string FailureFile => Path.Combine(Folder, "failure.txt");

    private bool HasTest => Config.Data.TestFraction > 0 || Config.Data.Test.Length > 0;

    /// <summary>Where the locks of a sweep's runs are.</summary>
    internal static string LocksIn(string folder) => Path.Combine(folder, "locks");

    /// <summary>Where the runs' output is.</summary>
    internal static string LogsIn(string folder) => Path.Combine(folder, "logs");

    /// <summary>Refuses a run in the folder that was made with another configuration than the file now says.</summary>
    /// <exception cref="UserMistakeException">It is one.</exception>
    public void RefuseOther()
    {
        if (!File.Exists(ConfigFile))
        {
            return;
        }

        IReadOnlyDictionary<string, string> stored = ConfigurationWriter.Flat(ConfigurationReader.Read<RunConfig>(ConfigFile)),
            wanted = ConfigurationWriter.Flat(Config);
        string? other = stored.Keys.Union(wanted.Keys).Order(StringComparer.Ordinal).FirstOrDefault(key => !_freeKeys.Contains(key)
            && !(Config.From.Length > 0 && key.StartsWith("tokenizer.", StringComparison.Ordinal))
            && stored.GetValueOrDefault(key) != wanted.GetValueOrDefault(key));
        if (other is not null)
        {
            throw new UserMistakeException(
                $"{Folder} was made with {other} {ConfigurationText.Shown(stored.GetValueOrDefault(other) ?? "absent")}, but the sweep "
                + $"file says {ConfigurationText.Shown(wanted.GetValueOrDefault(other) ?? "nothing")}; remove that folder, or name another with "
                + "--output.");
        }
    }
}

/// <summary>How far a run of a sweep has come.</summary>
public enum SweepRunStatus
{
    /// <summary>It is not begun.</summary>
    Waiting,

    /// <summary>It was begun, and goes on from its latest checkpoint.</summary>
    Interrupted,

    /// <summary>Training has ended; its evaluation is not there yet.</summary>
    Trained,

    /// <summary>A process is at it.</summary>
    Busy,

    /// <summary>Trained, and evaluated where any text was held out for that.</summary>
    Done,

    /// <summary>Its numbers diverged, which doing it again would only repeat.</summary>
    Failed,
}
