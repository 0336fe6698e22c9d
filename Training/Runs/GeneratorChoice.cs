using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Runs;

/// <summary>Which weights of a run are meant.</summary>
public sealed record GeneratorChoice
{
    /// <summary>The selected checkpoint, of the lowest validation NLL in the last phase, instead of the latest.</summary>
    public bool Best { get; init; }

    /// <summary>The weights that the last phase began with.</summary>
    public bool Start { get; init; }

    /// <summary>A checkpoint by its name; null for none.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>The weights of the last update, or their average over training; null for those that the run's own evaluations measure.</summary>
    public GeneratorWeights? Weights { get; init; }

    /// <summary>Loads them.</summary>
    /// <param name="folder">The run.</param>
    /// <exception cref="UserMistakeException">Two checkpoints are meant, there is none, it has no such weights, or a file is damaged.</exception>
    public ChosenGenerator Load(RunFolder folder)
    {
        if ((Start ? 1 : 0) + (Best ? 1 : 0) + (Checkpoint is null ? 0 : 1) > 1)
        {
            throw new UserMistakeException("--start, --best and --checkpoint name different checkpoints; give one of them.");
        }

        return Checkpoint is { } name ? LoadFrom(folder.Named(name)) : Start ? folder.ReadStart(LoadFrom) : Best ? folder.ReadBest(LoadFrom)
            : folder.ReadLatest(LoadFrom);

        ChosenGenerator LoadFrom(Checkpoint checkpoint)
        {
            if (Weights == GeneratorWeights.Average && !checkpoint.HasAverage)
            {
                throw new UserMistakeException(
                    $"{checkpoint.Path} has no averaged weights; train with adversarial.average_decay, or leave --weights out.");
            }

            (IGenerator generator, TextTokenizer tokenizer, RunConfig config) = TrainingJob.Load(folder, checkpoint, Weights);
            return new ChosenGenerator(generator, tokenizer, config, checkpoint.State().Step);
        }
    }
}

/// <summary>A generator of a run.</summary>
/// <param name="Generator">Itself.</param>
/// <param name="Tokenizer">What its ids mean.</param>
/// <param name="Config">The run's configuration.</param>
/// <param name="Step">The step of its checkpoint.</param>
public sealed record ChosenGenerator(IGenerator Generator, TextTokenizer Tokenizer, RunConfig Config, long Step) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Generator.Dispose();
}
