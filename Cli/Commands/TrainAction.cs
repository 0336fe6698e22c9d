using System.Globalization;
using GumbelGan.Cli.Progress;
using GumbelGan.Storage;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Spectre.Console;

namespace GumbelGan.Cli.Commands;

/// <summary>What <c>gumbelgan train</c> does with a request: resolves the configuration, trains, and prints what came of it.</summary>
internal static class TrainAction
{
    private const int SamplesShown = 10;

    /// <summary>Trains, or with <c>--dry-run</c> prints the resolved configuration.</summary>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    public static int Run(TrainRequest request, Surroundings surroundings)
    {
        string folder;
        if (request.Resume is { } resumed)
        {
            if (request.Assignments.Count > 0)
            {
                throw new UserMistakeException(
                    $"--resume continues a run with its own configuration, so {request.Assignments[0].Origin} cannot be given.");
            }

            if (request.DryRun)
            {
                surroundings.Output.WriteLine(TrainingJob.Plan(resumed, request.Extensions));
                return ExitCode.Done;
            }

            folder = resumed;
            Watched(request, surroundings, folder, observer => TrainingJob.Resume(folder, observer, surroundings.Cancellation, request.Extensions));
        }
        else
        {
            List<ConfigurationLayer> layers = [];
            if (request.Recipe is { } recipe)
            {
                layers.Add(Recipes.Load(recipe));
            }

            if (request.Config is { } file)
            {
                layers.Add(ConfigurationLayer.FromFile(file));
            }

            RunConfig config = ConfigurationReader.Read<RunConfig>(layers, request.Assignments);
            if (request.DryRun)
            {
                using TrainingJob checkedJob = TrainingJob.Prepare(config);
                surroundings.Output.Write(ConfigurationWriter.Write(checkedJob.Config));
                if (checkedJob.Remark is { } remark)
                {
                    surroundings.Error.WriteLine(remark);
                }

                return ExitCode.Done;
            }

            folder = request.Run ?? RunFolder.NewPath(config.Objective.Name);
            RunFolder.RefuseExisting(folder);
            using TrainingJob job = TrainingJob.Prepare(config);
            Watched(request, surroundings, folder, observer => job.Start(folder, Environment.CommandLine, observer, surroundings.Cancellation));
        }

        ShowResult(folder, surroundings.Output);
        return ExitCode.Done;
    }

    private static void Watched(TrainRequest request, Surroundings surroundings, string folder, Action<ITrainingObserver> train)
    {
        try
        {
            TrainingProgress.Watch(surroundings, request.Quiet, observer =>
            {
                train(observer);
                return true;
            });
        }
        catch (OperationCanceledException) when (surroundings.Cancellation.IsCancellationRequested)
        {
            surroundings.Error.WriteLine($"Interrupted; a checkpoint is written. Continue with: gumbelgan train --resume {folder}");
            throw;
        }
    }

    private static void ShowResult(string folder, TextWriter output)
    {
        TrainingSummary summary = TrainingSummary.Read(folder);
        string test = summary.TestNll is { } nats
            ? string.Create(CultureInfo.InvariantCulture, $"{nats:F3} after (test)")
            : "no test text was held out";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Held-out NLL, nats a token: {summary.FirstValidationNll:F3} before "
            + $"training, {summary.BestValidationNll:F3} at best, {summary.LastValidationNll:F3} after (validation); {test}."));
        (IReadOnlyList<string> real, IReadOnlyList<string> generated) = RunSamples.ReadLatest(folder, SamplesShown);
        var table = new Table().AddColumns("real (held out)", "generated").Border(TableBorder.Rounded).ShowRowSeparators();
        for (int i = 0; i < generated.Count; i++)
        {
            table.AddRow(new Text(i < real.Count ? real[i] : ""), new Text(generated[i]));
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = Math.Max(100, console.Profile.Width);
        console.Write(table);
    }
}
