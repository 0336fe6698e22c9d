using System.Globalization;
using System.Text;
using GumbelGan.Storage;
using GumbelGan.Training.Objectives;
using TorchSharp;
using TorchSharp.Modules;

namespace GumbelGan.Training;

/// <summary>The places in a run's folder, and its checkpoints.</summary>
public sealed class RunFolder
{
    private const string LatestPointer = "latest", BestPointer = "best";

    private RunFolder(string path) => Path = path;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The resolved configuration.</summary>
    public string Configuration => In("config.yaml");

    /// <summary>Commit, engine, threads, device, hashes, command line.</summary>
    public string Environment => In("environment.json");

    /// <summary>What is needed to encode and decode.</summary>
    public string Tokenizer => In("tokenizer");

    /// <summary>Why training stopped before its end: there only where its numbers diverged.</summary>
    public string Failure => In("failure.txt");

    private string Checkpoints => In("checkpoints");

    /// <summary>Makes the folder of a new run.</summary>
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
            throw new UserMistakeException($"The run folder {path} cannot be made ({cause.Message.TrimEnd('.')}); choose another --run folder.", cause);
        }

        return new RunFolder(path);
    }

    /// <summary>Checks that a new run may be made at <paramref name="path"/>, before anything slow.</summary>
    /// <exception cref="UserMistakeException">There is something already.</exception>
    public static void RefuseExisting(string path)
    {
        if (Directory.Exists(path) || File.Exists(path))
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

    /// <summary>The folder of a run that exists.</summary>
    /// <exception cref="UserMistakeException">It is no run folder.</exception>
    public static RunFolder Open(string path)
    {
        var folder = new RunFolder(path);
        return File.Exists(folder.Configuration)
            ? folder
            : throw new UserMistakeException($"{path} is no run folder: it has no config.yaml; 'gumbelgan runs' lists the runs.");
    }

    /// <summary>Where the samples of <paramref name="step"/> stand.</summary>
    public string Samples(long step) => In("samples", string.Create(CultureInfo.InvariantCulture, $"{step:D6}.txt"));

    /// <summary>Lines of the validation split, to read beside the samples.</summary>
    public string RealSamples => In("samples", "real.txt");

    /// <summary>Writes a checkpoint and then moves <c>latest</c> to it; older ones beyond <paramref name="keep"/> go, <c>best</c> stays.</summary>
    /// <param name="state">Names the checkpoint by its step.</param>
    /// <param name="files">File names and their tensors.</param>
    /// <param name="best">Whether <c>best</c> moves to it as well.</param>
    /// <param name="keep">How many of the latest stay.</param>
    /// <exception cref="UserMistakeException">It cannot be written; the previous checkpoint is untouched.</exception>
    public void SaveCheckpoint(TrainingState state, IReadOnlyList<(string Name, IEnumerable<SafetensorsEntry> Entries)> files, bool best, int keep)
    {
        string name = NameOf(state.Step), target = System.IO.Path.Combine(Checkpoints, name);
        try
        {
            Directory.CreateDirectory(target);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Explain(target, cause);
        }

        foreach ((string file, IEnumerable<SafetensorsEntry> entries) in files)
        {
            SafetensorsFile.Write(System.IO.Path.Combine(target, file), entries);
        }

        AtomicFile.WriteAllBytes(System.IO.Path.Combine(target, "state.json"), state.ToJson());
        if (best)
        {
            AtomicFile.WriteAllText(System.IO.Path.Combine(Checkpoints, BestPointer), name + "\n");
        }

        AtomicFile.WriteAllText(System.IO.Path.Combine(Checkpoints, LatestPointer), name + "\n");
        Prune(keep);
    }

    /// <summary>The latest checkpoint.</summary>
    /// <exception cref="UserMistakeException">There is none.</exception>
    public Checkpoint Latest() => Pointed(LatestPointer);

    /// <summary>The checkpoint with the lowest validation NLL.</summary>
    /// <exception cref="UserMistakeException">There is none.</exception>
    public Checkpoint Best() => Pointed(BestPointer);

    /// <summary>The latest checkpoint's name, or null where there is none.</summary>
    public string? LatestName() => Target(LatestPointer);

    private Checkpoint Pointed(string pointer)
    {
        string? name = Target(pointer);
        if (name is null)
        {
            throw new UserMistakeException($"{Path} has no checkpoint yet, so there is nothing to load; train it first.");
        }

        return new Checkpoint(System.IO.Path.Combine(Checkpoints, name));
    }

    // A pointer is a small text file with the name of a checkpoint beside it; anything else in it is refused, lest it lead out of the folder.
    private string? Target(string pointer)
    {
        string path = System.IO.Path.Combine(Checkpoints, pointer);
        if (!File.Exists(path))
        {
            return null;
        }

        var content = new byte[32];
        using FileStream stream = File.OpenRead(path);
        string name = Encoding.ASCII.GetString(content, 0, stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false)).TrimEnd('\n');
        return name.Length is > 0 and < 20 && name.All(char.IsAsciiDigit)
            ? name
            : throw new UserMistakeException($"{path} does not name a checkpoint; write the name of one beside it, such as 000500, into it.");
    }

    private void Prune(int keep)
    {
        string? best = Target(BestPointer);
        foreach (string old in Directory.EnumerateDirectories(Checkpoints)
            .Select(path => System.IO.Path.GetFileName(path)!)
            .Where(name => name != best && name.All(char.IsAsciiDigit))
            .OrderByDescending(name => long.Parse(name, CultureInfo.InvariantCulture))
            .Skip(keep))
        {
            Directory.Delete(System.IO.Path.Combine(Checkpoints, old), recursive: true);
        }
    }

    private static string NameOf(long step) => step.ToString("D6", CultureInfo.InvariantCulture);

    private string In(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);
}

/// <summary>One checkpoint's folder.</summary>
/// <param name="Path">Where it is.</param>
public sealed record Checkpoint(string Path)
{
    private const string Generator = "generator", Discriminator = "discriminator", RollOutPolicy = "roll_out_policy";

    /// <summary>The files of a checkpoint: both networks, both optimizers, and the roll-out policy where there is one.</summary>
    public static IReadOnlyList<(string Name, IEnumerable<SafetensorsEntry> Entries)> Files(
        torch.nn.Module generator, Adam generatorOptimizer, torch.nn.Module discriminator, Adam discriminatorOptimizer, torch.nn.Module? rollOutPolicy = null) =>
    [
        ($"{Generator}.safetensors", ModuleWeights.Entries(generator)),
        ($"{Discriminator}.safetensors", ModuleWeights.Entries(discriminator)),
        ($"{Generator}_optimizer.safetensors", ModuleWeights.Entries(generatorOptimizer, generator)),
        ($"{Discriminator}_optimizer.safetensors", ModuleWeights.Entries(discriminatorOptimizer, discriminator)),
        .. rollOutPolicy is null ? [] : new[] { ($"{RollOutPolicy}.safetensors", ModuleWeights.Entries(rollOutPolicy)) },
    ];

    /// <summary>How far the run had come.</summary>
    /// <exception cref="UserMistakeException">The file is missing or malformed.</exception>
    public TrainingState State()
    {
        string path = In("state.json");
        try
        {
            var file = new FileInfo(path);
            return file.Length <= 1 << 16
                ? TrainingState.FromJson(File.ReadAllBytes(path), path)
                : throw new UserMistakeException($"{path} is too long for a state; use another checkpoint.");
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UserMistakeException($"{path} cannot be read ({cause.Message.TrimEnd('.')}); use another checkpoint.", cause);
        }
    }

    /// <summary>Loads the generator's weights.</summary>
    /// <exception cref="UserMistakeException">They are missing, malformed, or of another model.</exception>
    public void LoadGenerator(torch.nn.Module generator) => ModuleWeights.Load(generator, SafetensorsFile.Read(In($"{Generator}.safetensors")));

    /// <summary>Loads both networks.</summary>
    /// <exception cref="UserMistakeException">They are missing, malformed, or of another model.</exception>
    public void Load(torch.nn.Module generator, torch.nn.Module discriminator)
    {
        LoadGenerator(generator);
        ModuleWeights.Load(discriminator, SafetensorsFile.Read(In($"{Discriminator}.safetensors")));
    }

    /// <summary>Loads both optimizers' moments.</summary>
    /// <exception cref="UserMistakeException">They are missing, malformed, or of another model.</exception>
    public void Load(Adam generatorOptimizer, torch.nn.Module generator, Adam discriminatorOptimizer, torch.nn.Module discriminator)
    {
        ModuleWeights.Load(generatorOptimizer, generator, SafetensorsFile.Read(In($"{Generator}_optimizer.safetensors")));
        ModuleWeights.Load(discriminatorOptimizer, discriminator, SafetensorsFile.Read(In($"{Discriminator}_optimizer.safetensors")));
    }

    /// <summary>Gives an objective what it carried from step to step: its moving average and its roll-out policy's weights.</summary>
    /// <param name="objective">Null where the run has none.</param>
    /// <param name="state">This checkpoint's <see cref="State"/>.</param>
    /// <exception cref="UserMistakeException">The weights are missing, malformed, or of another model.</exception>
    public void Load(IAdversarialObjective? objective, TrainingState state)
    {
        if (objective is null)
        {
            return;
        }

        objective.Baseline = state.Baseline;
        if (objective.RollOutPolicy is { } policy)
        {
            ModuleWeights.Load(policy, SafetensorsFile.Read(In($"{RollOutPolicy}.safetensors")));
        }
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
