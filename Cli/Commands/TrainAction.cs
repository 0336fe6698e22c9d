using System.Text;
using GumbelGan.Cli.Printing;
using GumbelGan.Cli.Progress;
using GumbelGan.Cli.Ranks;
using GumbelGan.Training;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;

namespace GumbelGan.Cli.Commands;

/// <summary>What <c>gumbelgan train</c> does with a request: resolves the configuration, trains, and prints what came of it.</summary>
internal static class TrainAction
{
    /// <summary>Trains, or with <c>--dry-run</c> prints the resolved configuration.</summary>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    public static int Run(TrainRequest request, Surroundings surroundings) =>
        RankedCommand.Run(surroundings, (ranks, own) => Run(request, own, ranks, surroundings.Error));

    private static int Run(TrainRequest request, Surroundings surroundings, ICollective ranks, TextWriter error)
    {
        string folder;
        if (request.Resume is { } resumed)
        {
            if (request.DryRun)
            {
                surroundings.Output.WriteLine(TrainingJob.Plan(resumed, request.Extensions));
                return ExitCode.Done;
            }

            folder = resumed;
            using LostRankWatch watch = new(ranks, folder, error, surroundings.Cancellation);
            Watched(request, surroundings, folder,
                observer => TrainingJob.Resume(folder, observer, surroundings.Cancellation, request.Extensions, ranks));
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
            string? idle = config.Objective.RemarkOn(request.Assignments.Select(given => given.Path));
            if (request.DryRun)
            {
                using TrainingJob checkedJob = TrainingJob.Prepare(config, ranks: ranks);
                Tell(idle);
                surroundings.Output.Write(ConfigurationWriter.Write(checkedJob.Config));
                Tell(checkedJob.Remark);
                return ExitCode.Done;
            }

            folder = Encoding.UTF8.GetString(ranks.FromRoot(() => Encoding.UTF8.GetBytes(request.Run ?? RunFolder.NewPath(config.Objective.Name))));
            RunFolder.RefuseExisting(folder);
            using TrainingJob job = TrainingJob.Prepare(config, ranks: ranks);
            Tell(idle);
            ranks.Barrier();
            using LostRankWatch watch = new(ranks, folder, error, surroundings.Cancellation);
            Watched(request, surroundings, folder, observer => job.Start(folder, Environment.CommandLine, observer, surroundings.Cancellation));
        }

        if (ranks.IsRoot())
        {
            TrainingResult.Write(folder, new TableWriter(surroundings));
        }

        return ExitCode.Done;

        void Tell(string? remark)
        {
            if (remark is not null)
            {
                surroundings.Error.WriteLine(remark);
            }
        }
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
}
