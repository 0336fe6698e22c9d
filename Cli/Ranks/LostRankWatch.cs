using System.Diagnostics.CodeAnalysis;
using GumbelGan.Training.Collectives;
using GumbelGan.Training.Runs;

namespace GumbelGan.Cli.Ranks;

/// <summary>
/// Once the launcher has told the ranks to stop, as it does when one of them dies, those that wait for the dead one cannot finish their step. One of
/// them says so, and all end within half a minute even where the launcher does not end them.
/// </summary>
internal sealed class LostRankWatch : IDisposable
{
    // A step seldom takes as long; Open MPI's mpirun kills a second after it has told to stop.
    private static readonly TimeSpan _silence = TimeSpan.FromMilliseconds(400), _patience = TimeSpan.FromSeconds(20),
        _interval = TimeSpan.FromMilliseconds(50);

    private readonly ICollective _ranks;
    private readonly string _folder;
    private readonly TextWriter _error;
    private readonly Timer _timer;
    private readonly CancellationTokenRegistration _registration;
    private RunLock? _lock;
    private bool _hasTold;

    /// <summary>Begins to watch.</summary>
    /// <param name="ranks">Who may be lost.</param>
    /// <param name="folder">The run.</param>
    /// <param name="error">Where every rank is heard.</param>
    /// <param name="cancellation">Set when the launcher, or the user, tells this process to stop.</param>
    public LostRankWatch(ICollective ranks, string folder, TextWriter error, CancellationToken cancellation)
    {
        (_ranks, _folder, _error) = (ranks, folder, error);
        _timer = new Timer(_ => Look());
        _registration = ranks.Size == 1 ? default : cancellation.Register(() => _timer.Change(_interval, _interval));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registration.Dispose();
        _timer.Dispose();
        _lock?.Dispose();
    }

    private void Look()
    {
        TimeSpan waiting = _ranks.Waiting;
        if (waiting > _silence && !_hasTold && IsTheOneThatTells())
        {
            _hasTold = true;
            _error.WriteLine(
                $"Rank {_ranks.Rank} waits for another rank, which has died or hangs; nothing after the last checkpoint is kept. Continue "
                + $"with: gumbelgan train --resume {_folder}");
            _error.Flush();
        }

        if (waiting > _patience)
        {
            Environment.Exit(ExitCode.Failed);
        }
    }

    // Rank 0 has the run's lock. Where it is free rank 0 is the one that died, and of the others one can take it.
    [SuppressMessage("Design", "CA1031", Justification = "Who cannot take the lock, for whatever reason, leaves telling to others.")]
    private bool IsTheOneThatTells()
    {
        if (_ranks.IsRoot())
        {
            return true;
        }

        try
        {
            _lock ??= RunLock.IsHeld(_folder) ? null : RunLock.Take(_folder);
        }
        catch (Exception)
        {
            _lock = null;
        }

        return _lock is not null;
    }
}
