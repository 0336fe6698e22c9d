using GumbelGan.Storage;

namespace GumbelGan.Evaluation.Comparison;

/// <summary>What a finished run's folder tells a comparison.</summary>
/// <param name="Name">The folder's name.</param>
/// <param name="Evaluation">Its evaluation.json.</param>
/// <param name="Curves">Its metrics.jsonl: for each tag the points (step, value), steps ascending.</param>
public sealed record ComparedRun(
    string Name, EvaluationDocument Evaluation, IReadOnlyDictionary<string, IReadOnlyList<CurvePoint>> Curves)
{
    private const int SampleLines = 12, SampleSteps = 12;
    private const string ConfigurationFile = "config.yaml";

    /// <summary>Its folder's full path; empty where it has none.</summary>
    public string Folder { get; init; } = "";

    /// <summary>What it wrote while it trained, at some steps from the first to the last.</summary>
    public IReadOnlyList<(long Step, IReadOnlyList<string> Lines)> SamplesByStep { get; init; } = [];

    /// <summary>Real lines to read beside them.</summary>
    public IReadOnlyList<string> RealSamples { get; init; } = [];

    /// <summary>
    /// The run folders that <paramref name="folder"/> stands for: itself, or where it is no run but holds some, as a sweep's does, those.
    /// </summary>
    /// <param name="folder">A run, or a folder of runs.</param>
    /// <param name="allowMissing">Leave out runs that are not evaluated yet.</param>
    /// <exception cref="UserMistakeException">Runs below it are not evaluated yet, and that is not allowed, or none is.</exception>
    public static IReadOnlyList<string> Below(string folder, bool allowMissing)
    {
        static bool IsRun(string path) =>
            File.Exists(Path.Combine(path, EvaluationDocument.FileName)) || File.Exists(Path.Combine(path, ConfigurationFile));
        string[] runs = !Directory.Exists(folder)
            || IsRun(folder) ? [] : [.. Directory.EnumerateDirectories(folder).Where(IsRun).Order(StringComparer.Ordinal)];
        string[] missing = [.. runs.Where(run => !File.Exists(Path.Combine(run, EvaluationDocument.FileName)))];
        return missing.Length > 0 && !(allowMissing && missing.Length < runs.Length)
            ? throw new UserMistakeException(
                $"{missing.Length} of the {runs.Length} runs in {folder} have no {EvaluationDocument.FileName} yet, for example "
                + $"{Path.GetFileName(missing[0])}; let them finish, or add --force to leave them out.")
            : runs.Length > 0 ? [.. runs.Except(missing)] : [folder];
    }

    /// <summary>
    /// The same runs, each with a name of its own: where several folders have one name, as the runs of two sweeps may, as much of their paths as
    /// tells them apart, and where that is nothing (a folder that is named twice) a number.
    /// </summary>
    public static IReadOnlyList<ComparedRun> WithDistinctNames(IReadOnlyList<ComparedRun> runs)
    {
        ComparedRun[] named = [.. runs];
        foreach (int[] same in Enumerable.Range(0, runs.Count).GroupBy(i => runs[i].Name, StringComparer.Ordinal).Select(group => group.ToArray()))
        {
            string[] names = [.. same.Select(i => runs[i].Name)];
            int most = same.Max(i => Parts(runs[i]).Length);
            for (int parts = 2; parts <= most && names.Distinct(StringComparer.Ordinal).Count() < same.Length; parts++)
            {
                names = [.. same.Select(i => string.Join('/', Parts(runs[i]).TakeLast(parts).DefaultIfEmpty(runs[i].Name)))];
            }

            for (int place = 0; place < same.Length; place++)
            {
                int before = names.Take(place).Count(name => name == names[place]);
                named[same[place]] = runs[same[place]] with { Name = before == 0 ? names[place] : $"{names[place]} ({before + 1})" };
            }
        }

        return named;

        static string[] Parts(ComparedRun run) => run.Folder.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Reads the run in <paramref name="folder"/>.</summary>
    /// <exception cref="UserMistakeException">It is no run folder, it was not evaluated yet, or a file is damaged.</exception>
    public static ComparedRun Read(string folder)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        string evaluation = Path.Combine(folder, EvaluationDocument.FileName);
        if (!Directory.Exists(folder))
        {
            throw new UserMistakeException($"There is no run folder {folder}; give folders that 'gumbelgan train' made.");
        }

        if (!File.Exists(evaluation))
        {
            throw new UserMistakeException(
                $"{folder} has no {EvaluationDocument.FileName}; let its training finish, or run 'gumbelgan evaluate {folder}' first.");
        }

        return new ComparedRun(
            name, EvaluationDocument.Parse(File.ReadAllText(evaluation), evaluation), ReadCurves(Path.Combine(folder, MetricsJournal.FileName)))
        {
            Folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)),
            SamplesByStep = [.. Spread(RunSamples.Steps(folder)).Select(step => (step, RunSamples.Read(folder, step, SampleLines)))],
            RealSamples = RunSamples.ReadReal(folder, SampleLines),
        };
    }

    // The first, the last, and as many as are to be shown between them.
    private static IEnumerable<long> Spread(IReadOnlyList<long> steps) => steps.Count <= SampleSteps
        ? steps : Enumerable.Range(0, SampleSteps).Select(place => steps[place * (steps.Count - 1) / (SampleSteps - 1)]);

    private static Dictionary<string, IReadOnlyList<CurvePoint>> ReadCurves(string path)
    {
        var curves = new Dictionary<string, SortedDictionary<long, double>>(StringComparer.Ordinal);
        foreach (MetricsRecord record in MetricsJournal.ReadWhatIsSound(path))
        {
            foreach ((string tag, double value) in record.Scalars.Where(scalar => double.IsFinite(scalar.Value)))
            {
                if (!curves.TryGetValue(tag, out SortedDictionary<long, double>? curve))
                {
                    curves[tag] = curve = [];
                }

                // A resumed run may have recorded a step twice; the later record stands.
                curve[record.Step] = value;
            }
        }

        return curves.ToDictionary(
            pair => pair.Key,
            pair => (IReadOnlyList<CurvePoint>)[.. pair.Value.Select(point => new CurvePoint(point.Key, point.Value))], StringComparer.Ordinal);
    }
}

/// <summary>A recorded scalar.</summary>
/// <param name="Step">When.</param>
/// <param name="Value">What.</param>
public readonly record struct CurvePoint(long Step, double Value);
