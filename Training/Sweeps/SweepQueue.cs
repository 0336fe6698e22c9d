using System.Globalization;

namespace GumbelGan.Training.Sweeps;

/// <summary>Does the runs of a sweep on this machine, some at a time, each in a process of its own.</summary>
/// <param name="plan">The sweep.</param>
/// <param name="program">The command that starts this program: an executable and what comes before its arguments.</param>
/// <param name="clock">Where the time comes from.</param>
public sealed class SweepQueue(SweepPlan plan, IReadOnlyList<string> program, TimeProvider clock)
{
    private const int Interrupted = 130;

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50), _glance = TimeSpan.FromSeconds(1);

    private readonly Dictionary<SweepItem, (SweepProcess Process, long Began)> _running = [];
    private readonly SweepItem[] _items = [.. plan.Runs.Select(run => new SweepItem(run))];

    /// <summary>Whether this process is a child of a sweep, whose end it must not outlive: see <see cref="SweepProcess"/>.</summary>
    public static bool IsChild => Environment.GetEnvironmentVariable(SweepProcess.Variable) is { Length: > 0 };

    /// <summary>Does whatever is not done yet. A run that fails stops no other.</summary>
    /// <param name="jobs">Runs at a time.</param>
    /// <param name="threads">Threads of each.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="cancellation">Has every child write a checkpoint and end.</param>
    /// <returns>Every run.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; all children have ended.</exception>
    public IReadOnlyList<SweepItem> Run(int jobs, int threads, ISweepObserver observer, CancellationToken cancellation)
    {
        plan.MakeFolder();
        foreach (SweepItem item in _items)
        {
            Take(item, item.Run.Status);
            item.WasThere = item.State is SweepItemState.Done or SweepItemState.Failed;
        }

        try
        {
            bool isStopping = false;
            for (long glanced = clock.GetTimestamp(); _running.Count > 0 || (!isStopping && _items.Any(IsLeft));)
            {
                if (cancellation.IsCancellationRequested && !isStopping)
                {
                    isStopping = true;
                    foreach ((SweepProcess process, _) in _running.Values)
                    {
                        process.Stop();
                    }
                }

                EndThose(observer);
                while (!isStopping && _running.Count < jobs && Array.Find(_items, item => item.State == SweepItemState.Waiting) is { } next)
                {
                    Start(next, threads, observer);
                }

                if (clock.GetElapsedTime(glanced) > _glance)
                {
                    glanced = clock.GetTimestamp();
                    LookElsewhere(observer);
                }

                observer.OnTime(_items);
                Thread.Sleep(_pause);
            }
        }
        finally
        {
            // Whatever went wrong here, a child that is left ends by itself: its standard input does.
            foreach ((SweepProcess process, _) in _running.Values)
            {
                process.Dispose();
            }
        }

        cancellation.ThrowIfCancellationRequested();
        return _items;
    }

    private static bool IsLeft(SweepItem item) => item.State is SweepItemState.Waiting or SweepItemState.Elsewhere;

    private void Start(SweepItem item, int threads, ISweepObserver observer)
    {
        // Between two looks another sweep may have taken it.
        Take(item, item.Run.Status);
        if (item.State != SweepItemState.Waiting)
        {
            observer.OnChange(item, _items);
            return;
        }

        string[] arguments = ["sweep", plan.File, .. plan.Words, "--index", item.Run.Index.ToString(CultureInfo.InvariantCulture),
            "--threads", threads.ToString(CultureInfo.InvariantCulture)];
        _running[item] = (SweepProcess.Start(program, arguments, item.Run.Log, threads), clock.GetTimestamp());
        item.State = SweepItemState.Running;
        observer.OnChange(item, _items);
    }

    private void EndThose(ISweepObserver observer)
    {
        foreach ((SweepItem item, (SweepProcess process, long began)) in _running.ToArray())
        {
            item.Time = clock.GetElapsedTime(began);
            if (!process.HasEnded)
            {
                continue;
            }

            Take(item, item.Run.Status);
            if (item.State == SweepItemState.Waiting)
            {
                // Ended, and not done: interrupted, as a rule with the sweep, or for a reason that it gave.
                (item.State, item.Reason) = (process.ExitCode == Interrupted ? SweepItemState.Stopped : SweepItemState.Failed, process.Reason);
            }

            _running.Remove(item);
            process.Dispose();
            observer.OnChange(item, _items);
        }
    }

    // A run of another sweep has ended, one way or another, or was left: then it is ours to go on with.
    private void LookElsewhere(ISweepObserver observer)
    {
        foreach (SweepItem item in _items.Where(item => item.State == SweepItemState.Elsewhere))
        {
            Take(item, item.Run.Status);
            if (item.State != SweepItemState.Elsewhere)
            {
                observer.OnChange(item, _items);
            }
        }
    }

    private static void Take(SweepItem item, SweepRunStatus status)
    {
        item.State = status switch
        {
            SweepRunStatus.Busy => SweepItemState.Elsewhere,
            SweepRunStatus.Done => SweepItemState.Done,
            SweepRunStatus.Failed => SweepItemState.Failed,
            _ => SweepItemState.Waiting,
        };
        item.Reason = status == SweepRunStatus.Failed ? item.Run.Failure : null;
    }
}
