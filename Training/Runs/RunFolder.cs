using System.Globalization;
using System.Text;
using GumbelGan.Storage;

namespace GumbelGan.Training.Runs;

/// <summary>The places in a run's folder, and its checkpoints.</summary>
public sealed class RunFolder
{
    private const string LatestPointer = "latest", BestPointer = "best", StartPointer = Phase.Start;

    /// <summary>The file of a checkpoint that holds its <see cref="TrainingState"/>.</summary>
    internal const string StateFile = "state.json";

    private readonly IFileMedium _medium;

    private RunFolder(string path, IFileMedium? medium = null) => (Path, _medium) = (path, medium ?? DiskMedium.Instance);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The resolved configuration.</summary>
    public string Configuration => PathOf("config.yaml");

    /// <summary>Commit, engine, threads, device, hashes, command line.</summary>
    public string Environment => PathOf("environment.json");

    /// <summary>What is needed to encode and decode.</summary>
    public string Tokenizer => PathOf("tokenizer");

    /// <summary>Why training stopped before its end: there only where its numbers diverged.</summary>
    public string Failure => PathOf("failure.txt");

    private string Checkpoints => PathOf("checkpoints");

    /// <summary>Makes the folder of a new run; an empty one, or one that a process left that was killed before it wrote anything, will do.</summary>
    /// <exception cref="UserMistakeException">There is something at <paramref name="path"/> already, or it cannot be made.</exception>
    public static RunFolder Create(string path)
    {
        RefuseExisting(path);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UserMistakeException(
                $"The run folder {path} cannot be made ({cause.Message.TrimEnd('.')}); choose another --run folder.", cause);
        }

        return new RunFolder(path);
    }

    /// <summary>Checks that a new run may be made at <paramref name="path"/>, before anything slow.</summary>
    /// <exception cref="UserMistakeException">There is something already.</exception>
    public static void RefuseExisting(string path)
    {
        if (File.Exists(path) || (Directory.Exists(path) && !IsEmpty(path)))
        {
            throw new UserMistakeException($"{path} exists already; choose another --run folder, or continue that run with --resume {path}.");
        }
    }

    /// <summary>A path in runs/ that is free: the name, then the name with a number.</summary>
    public static string NewPath(string name)
    {
        string path = System.IO.Path.Combine("runs", name);
        for (int number = 2; Directory.Exists(path) || File.Exists(path); number++)
        {
            path = System.IO.Path.Combine("runs", string.Create(CultureInfo.InvariantCulture, $"{name}-{number}"));
        }

        return path;
    }

    /// <summary>The folder at <paramref name="path"/>, whether it is there yet or not: for ranks that leave it to rank 0.</summary>
    internal static RunFolder At(string path) => new(path);

    /// <summary>The folder of a run that exists.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="medium">Where checkpoints land; the disk unless a test says otherwise.</param>
    /// <exception cref="UserMistakeException">It is no run folder.</exception>
    public static RunFolder Open(string path, IFileMedium? medium = null)
    {
        var folder = new RunFolder(path, medium);
        return File.Exists(folder.Configuration)
            ? folder
            : throw new UserMistakeException($"{path} is no run folder: it has no config.yaml; 'gumbelgan runs' lists the runs.");
    }

    /// <summary>Where the samples of <paramref name="step"/> stand.</summary>
    public string Samples(long step) => PathOf(RunSamples.FolderName, RunSamples.NameOf(step));

    /// <summary>Lines of the validation split, to read beside the samples.</summary>
    public string RealSamples => PathOf(RunSamples.FolderName, RunSamples.RealName);

    /// <summary>
    /// Makes ready for writing: the folders of samples and checkpoints are made, and what a killed process left half written goes. Call it
    /// only under the run's lock, before the run goes on.
    /// </summary>
    /// <param name="state">
    /// Where the run goes on from; checkpoints beyond it are of no use. Null for the very start, which forgets all records.
    /// </param>
    /// <exception cref="UserMistakeException">The folder cannot be written.</exception>
    public void PrepareFor(TrainingState? state)
    {
        try
        {
            Directory.CreateDirectory(PathOf(RunSamples.FolderName));
            Directory.CreateDirectory(Checkpoints);
            foreach (string folder in (string[])[Path, PathOf(RunSamples.FolderName), Checkpoints])
            {
                AtomicFile.RemoveLeftovers(folder);
            }

            string? latest = LatestName();
            foreach (string folder in Directory.GetDirectories(Checkpoints)
                .Where(folder => CheckpointName.IsBeyond(System.IO.Path.GetFileName(folder), latest)))
            {
                Directory.Delete(folder, recursive: true);
            }

            if (state is null)
            {
                foreach (string record in Directory.GetFiles(Path, "events.out.tfevents.*").Append(PathOf(MetricsJournal.FileName)))
                {
                    File.Delete(record);
                }
            }
            else
            {
                FinishMoving(state, latest!);
            }
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Explain(Path, cause);
        }
    }

    /// <summary>
    /// Writes a checkpoint and then moves <c>latest</c> to it; older ones beyond <paramref name="keep"/> go, <c>best</c> and <c>start</c> stay.
    /// </summary>
    /// <remarks>
    /// The files are written into a folder with a temporary name, which takes its final name once all of them are on the disk; the pointers
    /// move last. So there is no moment at which <c>latest</c> names a checkpoint that is not whole. <c>start</c> moves to whatever a phase
    /// begins with: in a finished run it is what the last phase made its own weights from, pre-trained or untrained.
    /// </remarks>
    /// <param name="state">Names the checkpoint by its step.</param>
    /// <param name="files">File names and their tensors.</param>
    /// <param name="best">Whether <c>best</c> moves to it as well.</param>
    /// <param name="keep">How many of the latest stay.</param>
    /// <exception cref="UserMistakeException">It cannot be written; the previous checkpoint is untouched.</exception>
    public void SaveCheckpoint(TrainingState state, IReadOnlyList<(string Name, IEnumerable<SafetensorsEntry> Entries)> files, bool best, int keep)
    {
        string partial = System.IO.Path.Combine(Checkpoints, CheckpointName.HalfWritten), name = CheckpointName.Free(Checkpoints, state.Step);
        try
        {
            if (Directory.Exists(partial))
            {
                Directory.Delete(partial, recursive: true);
            }

            if (!Directory.Exists(Path))
            {
                throw new DirectoryNotFoundException();
            }

            Directory.CreateDirectory(partial);
            foreach ((string file, IEnumerable<SafetensorsEntry> entries) in files)
            {
                SafetensorsFile.Write(System.IO.Path.Combine(partial, file), entries, null, _medium);
            }

            AtomicFile.WriteAllBytes(System.IO.Path.Combine(partial, StateFile), state.ToJson(), _medium);
            _medium.Rename(partial, System.IO.Path.Combine(Checkpoints, name));
            _medium.PersistFolder(Checkpoints);
            if (best)
            {
                MovePointer(BestPointer, name);
            }

            MovePointer(LatestPointer, name);
            if (state.BeginsPhase)
            {
                MovePointer(StartPointer, name);
            }

            Prune(keep);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Explain(System.IO.Path.Combine(Checkpoints, name), cause);
        }
    }

    /// <summary>Changes the state of the latest checkpoint, all or nothing.</summary>
    /// <exception cref="UserMistakeException">There is none, or it cannot be written.</exception>
    public void ReplaceState(TrainingState state) =>
        AtomicFile.WriteAllBytes(System.IO.Path.Combine(Latest().Path, StateFile), state.ToJson(), _medium);

    /// <summary>The latest checkpoint.</summary>
    /// <exception cref="UserMistakeException">There is none.</exception>
    public Checkpoint Latest() => CheckpointAt(LatestPointer);

    /// <summary>The checkpoint with the lowest validation NLL of the last phase that has been evaluated.</summary>
    /// <exception cref="UserMistakeException">There is none.</exception>
    public Checkpoint Best() => CheckpointAt(BestPointer);

    /// <summary>The checkpoint of <paramref name="step"/>, or null where it is no longer kept.</summary>
    public Checkpoint? OfStep(long step) => Directory.Exists(Checkpoints) && Names().Where(name => CheckpointName.StepOf(name) == step)
        .Max(StringComparer.Ordinal) is { } name ? new Checkpoint(System.IO.Path.Combine(Checkpoints, name)) : null;

    /// <summary>The latest checkpoint's name, or null where there is none.</summary>
    public string? LatestName() => NameAt(LatestPointer);

    /// <summary>Whether <paramref name="name"/> can name a checkpoint: a step, best or latest.</summary>
    public static bool NamesCheckpoint(string name) => name is BestPointer or LatestPointer || CheckpointName.IsOne(name);

    /// <summary>The checkpoint of that name, or the one that best or latest names.</summary>
    /// <exception cref="UserMistakeException">There is none.</exception>
    public Checkpoint Named(string name) => CheckpointName.IsOne(name) && Directory.Exists(System.IO.Path.Combine(Checkpoints, name))
        ? new Checkpoint(System.IO.Path.Combine(System.IO.Path.GetFullPath(Checkpoints), name))
        : name is BestPointer or LatestPointer ? CheckpointAt(name)
        : LatestName() is null ? Latest()
        : throw new UserMistakeException($"{Path} has no checkpoint {name}; name one of {string.Join(", ", Names().Order(StringComparer.Ordinal))}.");

    /// <summary>Reads the latest checkpoint of a run that may go on meanwhile; see <see cref="ReadBest"/>.</summary>
    public T ReadLatest<T>(Func<Checkpoint, T> read) => Read(LatestPointer, read);

    /// <summary>
    /// Reads the best checkpoint of a run that may go on meanwhile: where training moves on and deletes the checkpoint while it is read, the one that
    /// has taken its place is read instead.
    /// </summary>
    /// <exception cref="UserMistakeException">There is none, or it cannot be read though nothing has taken its place.</exception>
    public T ReadBest<T>(Func<Checkpoint, T> read) => Read(BestPointer, read);

    /// <summary>Reads the checkpoint that the last phase began with; see <see cref="ReadBest"/>.</summary>
    public T ReadStart<T>(Func<Checkpoint, T> read) => Read(StartPointer, read);

    private T Read<T>(string pointer, Func<Checkpoint, T> read)
    {
        while (true)
        {
            string? name = NameAt(pointer);
            try
            {
                return read(CheckpointAt(pointer));
            }
            catch (UserMistakeException) when (NameAt(pointer) != name)
            {
                // Training moves a pointer before it deletes what it named, so the new name is that of a whole checkpoint: read again.
            }
        }
    }

    private Checkpoint CheckpointAt(string pointer)
    {
        string? name = NameAt(pointer);
        if (name is null)
        {
            throw new UserMistakeException($"{Path} has no checkpoint yet, so there is nothing to load; train it first.");
        }

        var folder = new DirectoryInfo(System.IO.Path.Combine(Checkpoints, name));
        return folder is { Exists: true, LinkTarget: null } && new DirectoryInfo(Checkpoints).LinkTarget is null
            ? new Checkpoint(folder.FullName)
            : throw new UserMistakeException(
                $"{Path} has no folder checkpoints/{name}, which checkpoints/{pointer} names; write the name of another checkpoint into it.");
    }

    private void MovePointer(string pointer, string name) =>
        AtomicFile.WriteAllText(System.IO.Path.Combine(Checkpoints, pointer), name + "\n", _medium);

    // A pointer is a small text file with the name of a checkpoint beside it; anything else in it is refused, lest it lead out of the folder.
    private string? NameAt(string pointer)
    {
        string path = System.IO.Path.Combine(Checkpoints, pointer);
        if (!File.Exists(path))
        {
            return null;
        }

        byte[] content = new byte[32];
        string name;
        try
        {
            using FileStream stream = File.OpenRead(path);
            name = Encoding.ASCII.GetString(content, 0, stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false)).TrimEnd('\n');
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UserMistakeException($"{path} cannot be read ({cause.Message.TrimEnd('.')}); grant access to it.", cause);
        }

        return CheckpointName.IsOne(name)
            ? name : throw new UserMistakeException($"{path} does not name a checkpoint; write the name of one beside it, such as 000500, into it.");
    }

    // Pointers move in this order: best, latest, start. Where a process was killed between two moves, the later ones are moved here.
    private void FinishMoving(TrainingState state, string latest)
    {
        if (NameAt(BestPointer) is { } best && CheckpointName.IsBeyond(best, latest))
        {
            string? before = Names().Where(name => CheckpointName.StepOf(name) == state.BestStep).Max(StringComparer.Ordinal);
            if (before is null && state.BestStep > 0)
            {
                throw new UserMistakeException($"{Path} has lost the checkpoint of step {state.BestStep}, its best; restore "
                    + $"checkpoints/{CheckpointName.Of(state.BestStep)}, or start the run again.");
            }

            if (before is null)
            {
                File.Delete(System.IO.Path.Combine(Checkpoints, BestPointer));
            }
            else
            {
                MovePointer(BestPointer, before);
            }
        }

        if (state.BeginsPhase && NameAt(StartPointer) != latest)
        {
            MovePointer(StartPointer, latest);
        }
    }

    private void Prune(int keep)
    {
        string?[] kept = [NameAt(BestPointer), NameAt(StartPointer)];
        foreach (string old in Names().Where(name => !kept.Contains(name))
            .OrderByDescending(CheckpointName.StepOf).ThenByDescending(name => name, StringComparer.Ordinal).Skip(keep))
        {
            Directory.Delete(System.IO.Path.Combine(Checkpoints, old), recursive: true);
        }
    }

    private IEnumerable<string> Names() =>
        Directory.EnumerateDirectories(Checkpoints).Select(path => System.IO.Path.GetFileName(path)!).Where(CheckpointName.IsOne);

    private static bool IsEmpty(string path) => Directory.EnumerateFileSystemEntries(path).All(entry =>
        System.IO.Path.GetFileName(entry) == RunLock.FileName || entry.EndsWith(AtomicFile.TemporaryExtension, StringComparison.Ordinal));

    private string PathOf(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);
}
