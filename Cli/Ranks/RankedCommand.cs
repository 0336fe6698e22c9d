using System.Diagnostics.CodeAnalysis;
using GumbelGan.Training;
using GumbelGan.Training.Collectives;

namespace GumbelGan.Cli.Ranks;

/// <summary>
/// Runs a command on every rank that an MPI launcher has started: rank 0 speaks for all of them, and none outlives another's failure.
/// </summary>
internal static class RankedCommand
{
    /// <summary>Calls <paramref name="command"/> with the ranks, and with surroundings that only rank 0 is heard in.</summary>
    /// <returns>An <see cref="ExitCode"/>; exceptions leave only where there is one process.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "The outermost frame of a rank: what gets here must become a message, and end the others.")]
    public static int Run(Surroundings surroundings, Func<ICollective, Surroundings, int> command)
    {
        var launcher = Launcher.Find(Environment.GetEnvironmentVariable);
        if (launcher.Size == 1)
        {
            return command(SingleProcess.Instance, surroundings);
        }

        Surroundings own = launcher.Rank == 0 ? surroundings : surroundings.Silenced();
        ICollective ranks;
        try
        {
            ranks = MpiCollective.Join(launcher);
        }
        catch (Exception failure)
        {
            if (launcher.Rank > 0)
            {
                // The launcher ends all as soon as one has ended so, and rank 0 is to have spoken before.
                Thread.Sleep(TimeSpan.FromSeconds(2));
            }

            return GumbelGanProgram.Explain(failure, own);
        }

        using (ranks)
        {
            try
            {
                return command(ranks, own);
            }
            catch (Exception failure)
            {
                return AllHaveFailed(ranks) ? GumbelGanProgram.Explain(failure, own) : EndAll(ranks, failure, surroundings);
            }
        }
    }

    // Where all diverge, or find the same mistake, or are interrupted, one sentence tells of it and all leave in good order.
    [SuppressMessage("Design", "CA1031", Justification = "Where MPI itself has failed there is nobody to meet.")]
    private static bool AllHaveFailed(ICollective ranks)
    {
        try
        {
            return ranks.Meet(TrainingJob.FailurePatience);
        }
        catch (Exception)
        {
            return false;
        }
    }

    private static int EndAll(ICollective ranks, Exception failure, Surroundings surroundings)
    {
        surroundings.Error.Write($"Rank {ranks.Rank} ends the job. ");
        int exitCode = GumbelGanProgram.Explain(failure, surroundings);
        surroundings.Error.Flush();
        ranks.Abort(exitCode);
        return exitCode;
    }
}
