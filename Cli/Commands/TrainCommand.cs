using System.CommandLine;
using GumbelGan.Storage;
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
    public static Command Create(Func<TrainRequest, int> train, Func<IReadOnlyList<ConfigurationKey>> keys)
    {
        var config = new Option<string>("--config")
        {
            HelpName = "file",
            Description = "A YAML configuration; a run's own config.yaml starts the same run again."
        };
        var recipe = new Option<string>("--recipe")
        {
            HelpName = "name",
            Description = "A configuration that comes with the program, for example captions; --config overrides it."
        };
        var run = new Option<string>("--run")
        {
            HelpName = "folder",
            Description = "The run folder to create; it must not exist yet. Without it, a new name in runs/."
        };
        var resume =
            new Option<string>("--resume") { HelpName = "folder", Description = "Continue the run in this folder from its latest checkpoint." };
        var extend = new Option<string[]>("--extend")
        {
            HelpName = "key=number",
            Description = $"With --resume: lengthen a run, finished or not, by so many more; {string.Join(" or ", Continuation.Lengths)}.",
            Arity = ArgumentArity.OneOrMore
        };
        var dryRun = new Option<bool>("--dry-run")
        {
            Description = "Check everything, print the resolved configuration (with --resume: what would be done), and stop."
        };
        var quiet = new Option<bool>("--quiet") { Description = "Show no progress." };
        var set = new Option<string[]>("--set")
        {
            HelpName = "key=value",
            Description = "Override one configuration key; may be given several times.",
            Arity = ArgumentArity.OneOrMore
        };
        (Option<string> Option, string Key)[] shorthands =
        [
            (new("--corpus") { HelpName = "file", Description = "The text to learn, one sequence a line." }, "corpus"),
            (new("--from") { HelpName = "run",
                Description = "Begin with the tokenizer and the generator weights of this run's best checkpoint, or of run:checkpoint." }, "from"),
            (new("--objective") { HelpName = "name",
                Description = $"One of {string.Join(", ", ObjectiveKind.All.Select(kind => kind.Name))}." }, "objective"),
            (new("--seed") { HelpName = "number", Description = "The root of every random stream." }, "seed"),
            (new("--device") { HelpName = "name", Description = "cpu or cuda." }, "device"),
            (new("--threads") { HelpName = "number", Description = "Threads for the engine; 0 for one a core." }, "threads"),
        ];

        var command =
            new ExplainedCommand("train", "Trains a generator, and writes a run folder with checkpoints, samples, metrics and TensorBoard events.")
            {
                Examples =
            [
                new("gumbelgan train --recipe captions --corpus corpora/captions.txt --run runs/captions",
                    "the captions recipe on the captions corpus"),
                new("gumbelgan train --config runs/captions/config.yaml --run runs/again --seed 2", "the same run with another seed"),
                new("gumbelgan train --resume runs/captions", "continue after an interruption"),
                new("gumbelgan train --resume runs/captions --extend adversarial.steps=500", "500 steps more than it was begun with"),
                new("gumbelgan train --from runs/captions --corpus more.txt", "begin with what another run has learned"),
                new("gumbelgan train --recipe captions --set generator.hidden=128 --dry-run", "see what a change of configuration comes to"),
            ],
                FurtherHelp = output => ConfigurationHelp.Write(output, keys()),
            };
        command.Options.Add(config);
        command.Options.Add(recipe);
        Array.ForEach(shorthands, shorthand => command.Options.Add(shorthand.Option));
        command.Options.Add(run);
        command.Options.Add(resume);
        command.Options.Add(extend);
        command.Options.Add(dryRun);
        command.Options.Add(quiet);
        command.Options.Add(set);
        command.SetAction(parsed =>
        {
            IEnumerable<ConfigurationAssignment> fromShorthands = shorthands
                .Select(shorthand => (shorthand.Option.Name, shorthand.Key, Value: parsed.GetValue(shorthand.Option)))
                .Where(given => given.Value is not null)
                .Select(given => new ConfigurationAssignment(given.Key, given.Value!, given.Name));
            var request = new TrainRequest
            {
                Config = parsed.GetValue(config),
                Recipe = parsed.GetValue(recipe),
                Run = parsed.GetValue(run),
                Resume = parsed.GetValue(resume),
                Extensions = [.. (parsed.GetValue(extend) ?? []).Select(text => ConfigurationAssignment.Parse(text, "--extend"))],
                DryRun = parsed.GetValue(dryRun),
                Quiet = parsed.GetValue(quiet),
                Assignments = [.. fromShorthands, .. (parsed.GetValue(set) ?? []).Select(ConfigurationAssignment.Parse)],
            };
            if (request is { Resume: not null } and not { Config: null, Recipe: null, Run: null })
            {
                throw new UserMistakeException("--resume continues a run with its own configuration; leave --config, --recipe and --run away.");
            }

            if (request is { Resume: null, Extensions.Count: > 0 })
            {
                throw new UserMistakeException("--extend lengthens a run that exists; name it with --resume.");
            }

            return train(request);
        });
        return command;
    }
}
