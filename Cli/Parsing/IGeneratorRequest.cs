using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;

namespace GumbelGan.Cli.Parsing;

/// <summary>A request that names weights of a run's generator.</summary>
internal interface IGeneratorRequest
{
    /// <summary>The weights.</summary>
    GeneratorChoice Choice { get; }
}

/// <summary>The options that name them; several commands share them.</summary>
internal static class GeneratorRequestOptions
{
    public static RequestCommand<T> WithGeneratorChoice<T>(this RequestCommand<T> command)
        where T : class, IGeneratorRequest, new() => command
        .Flag("--best", "Use the selected checkpoint, of the lowest validation NLL in the last phase, instead of the latest.",
            request => request.Choice.Best)
        .Flag("--start", "Use the weights that the last phase began with: pre-trained, or untrained ones.", request => request.Choice.Start)
        .Text("--checkpoint", "name", "Use the checkpoint of this name in the run's folder checkpoints, such as 000500.",
            request => request.Choice.Checkpoint)
        .Chosen("--weights", "The weights of the last update, or their average over training (adversarial.average_decay); as in the run's own "
            + "evaluations (recording.weights) where it is not given.", request => request.Choice.Weights!.Value, Enum.GetValues<GeneratorWeights>(),
            hasVaryingDefault: true);
}
