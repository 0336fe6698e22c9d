using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;
using static TorchSharp.torch;

namespace GumbelGan.Training.Runs;

/// <summary>One checkpoint's folder.</summary>
/// <param name="Path">Where it is.</param>
public sealed record Checkpoint(string Path)
{
    private const string ObjectiveFile = "objective.safetensors";

    /// <summary>The files of a checkpoint: each learner and its optimizer, and what else the objective lists.</summary>
    public static IReadOnlyList<(string Name, IEnumerable<SafetensorsEntry> Entries)> Files(Objective objective) =>
    [
        .. objective.Learners.Select(learner => (Weights(learner.Name), ModuleWeights.Entries(learner.Module))),
        .. objective.Learners.Select(learner => (Moments(learner.Name), learner.Optimizer.Entries())),
        .. objective.Tensors.Count == 0
            ? [] : new[] { (ObjectiveFile, objective.Tensors.Select(named => ModuleWeights.Entry(named.Name, named.Value))) },
    ];

    /// <summary>How far the run had come.</summary>
    /// <exception cref="UserMistakeException">The file is missing or malformed.</exception>
    public TrainingState State()
    {
        string path = PathOf(RunFolder.StateFile);
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

    /// <summary>Whether the generator here has the very weights that it has in <paramref name="other"/>.</summary>
    public bool HasTheGeneratorOf(Checkpoint other)
    {
        string name = Weights("generator");
        return Path == other.Path || File.ReadAllBytes(PathOf(name)).AsSpan().SequenceEqual(File.ReadAllBytes(other.PathOf(name)));
    }

    /// <summary>The file of a generator's weights.</summary>
    /// <param name="weights">An average only where there is one.</param>
    public string GeneratorFile(GeneratorWeights weights) =>
        PathOf(weights == GeneratorWeights.Average && HasAverage ? ObjectiveFile : Weights("generator"));

    /// <summary>Loads a generator's weights.</summary>
    /// <param name="generator">Takes them.</param>
    /// <param name="weights">Which; where no average is there, the last ones.</param>
    /// <exception cref="UserMistakeException">They are missing, malformed, or of another model.</exception>
    public void LoadGenerator(IGenerator generator, GeneratorWeights weights = GeneratorWeights.Last)
    {
        if (weights == GeneratorWeights.Last || !LoadAverage(generator))
        {
            ModuleWeights.Load(generator.Module, SafetensorsFile.Read(GeneratorFile(GeneratorWeights.Last)));
        }
    }

    /// <summary>Loads a discriminator's weights.</summary>
    /// <exception cref="UserMistakeException">They are missing, malformed, or of another model.</exception>
    public void LoadDiscriminator(Discriminator discriminator) =>
        ModuleWeights.Load(discriminator, SafetensorsFile.Read(PathOf(Weights("discriminator"))));

    /// <summary>Whether it holds averaged weights.</summary>
    public bool HasAverage => State().Objective.ContainsKey(WeightAverage.UpdatesName);

    /// <summary>Loads a generator's averaged weights.</summary>
    /// <returns>False where the checkpoint has none; nothing is loaded then.</returns>
    /// <exception cref="UserMistakeException">They are malformed, or of another model.</exception>
    public bool LoadAverage(IGenerator generator)
    {
        if (!HasAverage)
        {
            return false;
        }

        var file = SafetensorsFile.Read(PathOf(ObjectiveFile));
        (string Name, Tensor Target)[] targets = [.. generator.Module.named_parameters()
            .Select(named => ($"{WeightAverage.Name}.{named.name}", (Tensor)named.parameter))];
        ModuleWeights.Load(targets, file, file.Entries.Count - targets.Length);
        return true;
    }

    /// <summary>Loads the weights of all that learns.</summary>
    /// <exception cref="UserMistakeException">They are missing, malformed, or of another model.</exception>
    public void LoadWeights(Objective objective)
    {
        foreach (Learner learner in objective.Learners)
        {
            ModuleWeights.Load(learner.Module, SafetensorsFile.Read(PathOf(Weights(learner.Name))));
        }
    }

    /// <summary>Loads the optimizers' moments, and gives the objective back what it carried from step to step.</summary>
    /// <param name="objective">At the beginning of the phase of <paramref name="state"/>.</param>
    /// <param name="state">This checkpoint's <see cref="State"/>.</param>
    /// <exception cref="UserMistakeException">They are missing, malformed, or of another model.</exception>
    public void LoadProgress(Objective objective, TrainingState state)
    {
        foreach (Learner learner in objective.Learners)
        {
            learner.Optimizer.Load(SafetensorsFile.Read(PathOf(Moments(learner.Name))));
        }

        objective.Numbers = state.Objective;
        if (objective.Tensors.Count > 0)
        {
            ModuleWeights.Load(objective.Tensors, SafetensorsFile.Read(PathOf(ObjectiveFile)));
        }
    }

    private static string Weights(string learner) => $"{learner}.safetensors";

    private static string Moments(string learner) => $"{learner}_optimizer.safetensors";

    private string PathOf(string name) => System.IO.Path.Combine(Path, name);
}
