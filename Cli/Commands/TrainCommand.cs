using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Objectives;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan train</c>: turns the command line into a <see cref="TrainRequest"/>.</summary>
internal static class TrainCommand
{
    /// <summary>The command, which hands its request to <paramref name="train"/> and ends with the exit code that returns.</summary>
    /// <param name="train">Trains.</param>
    /// <param name="keys">Every configuration key, for the help text.</param>
    public static Command Create(Func<TrainRequest, int> train, Func<IReadOnlyList<ConfigurationKey>> keys) =>
        new RequestCommand<TrainRequest>("train",
            "Trains a generator, and writes a run folder with checkpoints, samples, metrics and TensorBoard events.",
            request =>
            {
                request.Check();
                return train(request);
            })
        {
            Examples =
            [
                new("gumbelgan train --recipe captions --corpus corpora/captions.txt --run runs/captions",
                    "the captions recipe on the captions corpus"),
                new("gumbelgan train --config runs/captions/config.yaml --run runs/again --seed 2", "the same run with another seed"),
                new("gumbelgan train --resume runs/captions", "continue after an interruption"),
                new("gumbelgan train --resume runs/captions --extend adversarial.steps=500", "500 steps more than it was begun with"),
                new("gumbelgan train --recipe captions --from runs/captions --corpus more.txt", "begin with what another run has learned"),
                new("gumbelgan train --recipe captions --set generator.hidden=128 --dry-run", "see what a change of configuration comes to"),
            ],
            FurtherHelp = output => ConfigurationHelp.Write(output, keys()),
        }
        .Text("--config", "file", "A YAML configuration; a run's own config.yaml starts the same run again.", request => request.Config,
            FileUse.Read)
        .Text("--recipe", "name", "A configuration that comes with the program, for example captions; --config overrides it.",
            (request, value) => request with { Recipe = value }, Recipes.Names)
        .Key("--corpus", "file", "The text to learn, one sequence a line.", "corpus", use: FileUse.Read)
        .Key("--from", "run", "Begin with the tokenizer and the generator weights of this run's best checkpoint, or of run:checkpoint.", "from")
        .Key("--objective", "name", $"One of {string.Join(", ", ObjectiveKind.All.Select(kind => kind.Name))}.", "objective",
            ObjectiveKind.All.Select(kind => kind.Name))
        .Key("--seed", "number", "The root of every random stream.", "seed")
        .Key("--device", "name", "cpu or cuda.", "device", ["cpu", "cuda"])
        .Key("--threads", "number", "Threads for the engine; 0 for one a core.", "threads")
        .Text("--run", "folder", "The run folder to create; it must not exist yet. Without it, a new name in runs/.", request => request.Run,
            FileUse.Write)
        .Text("--resume", "folder", "Continue the run in this folder from its latest checkpoint.", request => request.Resume)
        .Texts("--extend", "key=number",
            $"With --resume: lengthen a run, finished or not, by so many more; {string.Join(" or ", Continuation.Lengths)}.",
            (request, text) => request with { Extensions = [.. request.Extensions, ConfigurationAssignment.Parse(text, "--extend")] })
        .Flag("--dry-run", "Check everything, print the resolved configuration (with --resume: what would be done), and stop.",
            request => request.DryRun)
        .Flag("--quiet", "Show no progress.", request => request.Quiet)
        .Texts("--set", "key=value", "Override one configuration key; may be given several times.",
            (request, text) => request.With(ConfigurationAssignment.Parse(text)), () => Assignments(keys()));

    // An option that stands for a configuration key.
    private static RequestCommand<TrainRequest> Key(this RequestCommand<TrainRequest> command, string name, string helpName, string description,
        string key, IEnumerable<string>? completions = null, FileUse use = FileUse.None) =>
        command.Text(name, helpName, description, (request, value) => request.With(new ConfigurationAssignment(key, value, name)), completions, use);

    // What may come after --set: every key, and for a key that is one of a few, each of them.
    private static IEnumerable<string> Assignments(IEnumerable<ConfigurationKey> keys) => keys.SelectMany(key =>
        key.Choices.Count == 0 ? [$"{key.Path}="] : key.Choices.Select(choice => $"{key.Path}={choice}")).Distinct();
}
