using GumbelGan.Storage;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;

namespace GumbelGan.Training.Sweeps;

/// <summary>Does one run of a sweep, as far as that is not done: trains it or goes on with it, then evaluates it.</summary>
public static class SweepWorker
{
    /// <summary>Does <paramref name="run"/>.</summary>
    /// <param name="plan">The sweep.</param>
    /// <param name="run">One of its runs.</param>
    /// <param name="threads">Threads for the engine where the configuration leaves that open; 0 for one a core.</param>
    /// <param name="commandLine">What was typed, for the run's environment.json.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="cancellation">Stops after the step in progress, with a checkpoint.</param>
    /// <returns>Null, or why its training diverged, in a sentence.</returns>
    /// <exception cref="UserMistakeException">Another process is at it, or its configuration does not fit the machine or the corpus.</exception>
    /// <exception cref="OperationCanceledException">Interrupted.</exception>
    public static string? Do(SweepPlan plan, SweepRun run, int threads, string commandLine, ITrainingObserver observer,
        CancellationToken cancellation)
    {
        plan.MakeFolder();
        using RunLock held = RunLock.TryTake(run.Lock)
            ?? throw new UserMistakeException($"Another process is at run {run.Index}, {run.Name}; wait until it has ended, or stop it.");
        run.RefuseOther();
        try
        {
            if (run.StatusOnDisk == SweepRunStatus.Waiting)
            {
                using TrainingJob job = TrainingJob.Prepare(run.Config.Threads > 0 ? run.Config : run.Config with { Threads = threads });
                job.Start(run.Folder, commandLine, observer, cancellation);
            }
            else if (run.StatusOnDisk == SweepRunStatus.Interrupted)
            {
                TrainingJob.Resume(run.Folder, observer, cancellation);
            }
        }
        catch (TrainingDivergedException)
        {
            // The folder says so; comparisons count the run as failed.
        }

        if (run.StatusOnDisk == SweepRunStatus.Trained)
        {
            FinalEvaluation.Evaluate(run.Folder, plan.Evaluation, cancellation);
        }

        return run.Failure;
    }
}
