using System.Globalization;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Watching;

namespace GumbelGan.Training.Sweeps;

/// <summary>A sweep file, read and expanded: settings times seeds, each a run in a folder of its own.</summary>
/// <param name="File">The file, as the user names it.</param>
/// <param name="Text">What it holds.</param>
/// <param name="Folder">Where the runs are.</param>
/// <param name="Options">What it says beside configurations and settings.</param>
/// <param name="Runs">Every run, by index: the seeds of the first setting, then those of the second, and so on.</param>
public sealed record SweepPlan(string File, string Text, string Folder, SweepOptions Options, IReadOnlyList<SweepRun> Runs)
{
    /// <summary>What overrides the configuration of every run: <c>--set</c>, as given.</summary>
    public IReadOnlyList<ConfigurationAssignment> Overrides { get; private init; } = [];

    /// <summary>The words that make a worker read the same sweep: <c>--output</c> and every <c>--set</c>.</summary>
    public IEnumerable<string> Words =>
        ["--output", Path.GetFullPath(Folder), .. Overrides.SelectMany(assignment => (string[])["--set", $"{assignment.Path}={assignment.Value}"])];

    /// <summary>The copy of the sweep file in its folder.</summary>
    public const string FileName = "sweep.yaml";

    private const string ConfigKey = "config", ListKey = "list", GridKey = "grid", RandomKey = "random";

    /// <summary>How every run is evaluated at its end.</summary>
    public FinalEvaluationOptions Evaluation =>
        new() { Count = Options.Evaluation.Count, Temperatures = [.. Options.Evaluation.Temperatures.Order()] };

    /// <summary>Reads a sweep file.</summary>
    /// <param name="file">Where it is. Relative paths in it are relative to the working folder, as those of a configuration are.</param>
    /// <param name="output">The folder of the runs; null for the file's <c>output</c>, or else runs/ and the file's name.</param>
    /// <param name="overrides">Override the configuration of every run; null for none.</param>
    /// <exception cref="UserMistakeException">
    /// It cannot be read, or a key is unknown, or a value wrong, of the sweep's or of any setting's configuration.
    /// </exception>
    public static SweepPlan Read(string file, string? output = null, IReadOnlyList<ConfigurationAssignment>? overrides = null)
    {
        ConfigurationLayer layer = ConfigurationLayer.FromFile(file);
        MappingNode root = ConfigurationDocument.Parse(layer);
        string[] parts = [ConfigKey, ListKey, GridKey, RandomKey];
        RefuseUnknown(root, [.. parts, .. ConfigurationReader.Keys<SweepOptions>().Select(key => key.Path.Split('.')[0])]);
        SweepOptions options = ConfigurationReader.ReadParsed<SweepOptions>(
            [root with { Entries = [.. root.Entries.Where(entry => !parts.Contains(entry.Key.Text))] }], []);
        if (options.Seeds.Count == 0 || options.Seeds.Distinct().Count() < options.Seeds.Count)
        {
            throw new UserMistakeException($"{file}: 'seeds' must hold one seed at least, and none twice.");
        }

        IEnumerable<SweepSetting> settings = [SweepSetting.Base];
        foreach ((string key, Func<ConfigurationNode, IReadOnlyList<SweepSetting>> expand) in
            new (string, Func<ConfigurationNode, IReadOnlyList<SweepSetting>>)[]
            {
                (ListKey, SweepSettings.List), (GridKey, SweepSettings.Grid), (RandomKey, SweepSettings.Random),
            })
        {
            if (Part(root, key) is { } node)
            {
                IReadOnlyList<SweepSetting> further = expand(node);
                SweepSettings.RefuseTwice(settings, further);
                settings = SweepSettings.Product(settings, further);
            }
        }

        List<MappingNode> documents = [];
        if (options.Recipe.Length > 0)
        {
            documents.Add(ConfigurationDocument.Parse(Recipes.Load(options.Recipe)));
        }

        if (Part(root, ConfigKey) is { } inline and not ScalarNode { IsNull: true })
        {
            documents.Add(SweepSettings.Mapping(inline, ConfigKey, "key: value"));
        }

        string folder = output ?? (options.Output.Length > 0 ? options.Output : Path.Combine("runs", Path.GetFileNameWithoutExtension(file)));
        SweepSetting[] all = [.. settings];
        foreach (ConfigurationAssignment given in overrides ?? [])
        {
            SweepSettings.RefuseVaried(given, all);
        }

        return new SweepPlan(file, layer.Text, folder, options,
            Expand(documents, SweepSettings.Distinct(all, file), overrides ?? [], options.Seeds, folder))
        { Overrides = overrides ?? [] };
    }

    /// <summary>What to tell of settings that do nothing under the objectives that they are tried with, a sentence each.</summary>
    public IEnumerable<string> Remarks()
    {
        // What overrides every run may be meant for some of them.
        string[] ofNone = [.. Overrides.Select(given => given.Path).Where(path => !Runs.Any(run => run.Config.Objective.IsRead(path)))];
        return Runs.DistinctBy(run => run.Setting.Name)
            .Select(run => run.Config.Objective.RemarkOn(run.Setting.Assignments.Select(given => given.Path).Concat(ofNone)))
            .OfType<string>().Distinct();
    }

    /// <summary>The run of that index.</summary>
    /// <exception cref="UserMistakeException">There is none.</exception>
    public SweepRun At(int index) => index >= 0 && index < Runs.Count
        ? Runs[index]
        : throw new UserMistakeException($"{File} has {Runs.Count} runs, so --index is from 0 to {Runs.Count - 1}, not {index}.");

    /// <summary>
    /// Checks what can be checked before the first run is started: what each setting that is not done yet comes to, as <c>train --dry-run</c> does,
    /// and that runs that are there were made with the configuration that the file now says.
    /// </summary>
    /// <exception cref="UserMistakeException">Something is wrong; the message names the setting.</exception>
    public void Check(CancellationToken cancellation)
    {
        foreach (SweepRun run in Runs)
        {
            run.RefuseOther();
        }

        foreach (SweepRun run in Runs.Where(run => !run.HasEnded).DistinctBy(run => run.Setting.Name))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                TrainingJob.Prepare(run.Config).Dispose();
            }
            catch (UserMistakeException mistake) when (run.Setting.Name.Length > 0)
            {
                throw new UserMistakeException($"Setting {run.Setting.Name}: {mistake.Message}", mistake);
            }
        }
    }

    /// <summary>Makes the folder, with a copy of the sweep file in it.</summary>
    /// <exception cref="UserMistakeException">It cannot be written.</exception>
    public void MakeFolder()
    {
        try
        {
            foreach (string folder in (string[])[Folder, SweepRun.LocksIn(Folder), SweepRun.LogsIn(Folder)])
            {
                Directory.CreateDirectory(folder);
            }
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UserMistakeException(
                $"The folder {Folder} of the runs cannot be made ({cause.Message.TrimEnd('.')}); name another with --output.", cause);
        }

        // Many workers come by here, and all but the first find it.
        string copy = Path.Combine(Folder, FileName);
        if (!System.IO.File.Exists(copy) || System.IO.File.ReadAllText(copy) != Text)
        {
            AtomicFile.WriteAllText(copy, Text);
        }
    }

    private static ConfigurationNode? Part(MappingNode root, string name)
    {
        (ScalarNode Key, ConfigurationNode Value)[] found = [.. root.Entries.Where(entry => entry.Key.Text == name)];
        return found.Length > 1
            ? throw new UserMistakeException($"{found[1].Key.Where}: the key '{name}' was given before ({found[0].Key.Where}); keep one of them.")
            : found.Length == 1 ? found[0].Value : null;
    }

    private static void RefuseUnknown(MappingNode root, string[] known)
    {
        foreach ((ScalarNode key, _) in root.Entries.Where(entry => !known.Contains(entry.Key.Text)))
        {
            string written = ConfigurationText.Shown(key.Text);
            throw new UserMistakeException(ConfigurationReader.Keys<RunConfig>().Any(other => other.Path.Split('.')[0] == key.Text)
                ? $"{key.Where}: '{written}' is a key of a run's configuration; write it below '{ConfigKey}:'."
                : $"{key.Where}: there is no key '{written}' in a sweep file; did you mean '{NearestName.Among(known, key.Text)}'? "
                    + "All keys: 'gumbelgan sweep --help'.");
        }
    }

    private static List<SweepRun> Expand(List<MappingNode> documents, IReadOnlyList<SweepSetting> settings,
        IReadOnlyList<ConfigurationAssignment> overrides, IReadOnlyList<long> seeds, string folder)
    {
        var runs = new List<SweepRun>();
        foreach (SweepSetting setting in settings)
        {
            RunConfig config = ConfigurationReader.ReadParsed<RunConfig>(documents, [.. setting.Assignments, .. overrides]);
            string method = config.MethodName;
            config = config with
            {
                Label = setting.IsNamed ? setting.Name : setting.Name.Length > 0 ? $"{method} {setting.Name}" : config.Label,
                Corpus = config.Corpus.Length > 0 ? Path.GetFullPath(config.Corpus) : "",
                Data = config.Data.WithFullPaths(),
            };
            foreach (long seed in seeds)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"{setting.Name}{(setting.Name.Length > 0 ? "-" : "")}seed{seed}");
                runs.Add(new SweepRun(runs.Count, name, setting, config with { Seed = seed }, folder));
            }
        }

        return runs;
    }
}
