namespace GumbelGan.Generators.Kernels;

/// <summary>
/// A parallel loop over rows with workers that stay: after a loop they watch for the next one a few microseconds and then sleep.
/// </summary>
/// <remarks>
/// The body must compute each row from that row alone; then nothing depends on the number of threads or on who took which rows.
/// The watching is kept short because libtorch's OpenMP threads want the same cores between our loops. One loop runs at a time: a
/// second caller, or a loop started inside a loop, runs its rows on its own thread.
/// </remarks>
public sealed class RowParallel : IDisposable
{
    // About ten microseconds: longer than the gap between the kernels of one step, shorter than anything else is worth waiting for.
    private const int Watches = 400;

    private readonly Thread[] _workers;
    private readonly SemaphoreSlim _sleep = new(0);
    private Action<int, int>? _body;
    private Exception? _failure;
    private int _rows, _chunk, _next, _pending, _epoch, _sleepers, _busy;
    private volatile bool _stop;

    /// <summary>Starts the workers.</summary>
    /// <param name="threads">Threads that run rows, the caller's included; at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is not even one thread.</exception>
    public RowParallel(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _workers = new Thread[threads - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Thread(Work) { IsBackground = true, Name = $"rows {i + 1}" };
            _workers[i].Start();
        }
    }

    /// <summary>Threads that run rows, the caller's included.</summary>
    public int Threads => _workers.Length + 1;

    /// <summary>How many rows of this many columns make a share large enough to be worth handing to another thread.</summary>
    public static int RowsWorthSharing(int columns) => Math.Max(1, 4096 / Math.Max(1, columns));

    /// <summary>Runs <paramref name="body"/>(first, end) over ranges that together cover 0 .. <paramref name="rows"/> - 1 once.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="rowsWorthSharing">The least number of rows to hand over at once.</param>
    /// <param name="body">Computes the rows from its first argument up to, not including, its second.</param>
    /// <exception cref="AggregateException">The body threw on some thread; the first such exception is inside.</exception>
    public void For(int rows, int rowsWorthSharing, Action<int, int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (_workers.Length == 0 || rows <= rowsWorthSharing || Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            if (rows > 0)
            {
                body(0, rows);
            }

            return;
        }

        // Four shares a thread, so that one that was held up by someone else's work does not hold up all.
        _chunk = Math.Max(rowsWorthSharing, (rows + (Threads * 4) - 1) / (Threads * 4));
        (_body, _rows, _failure, _next) = (body, rows, null, 0);
        Volatile.Write(ref _pending, _workers.Length);
        Interlocked.Increment(ref _epoch);
        int sleepers = Volatile.Read(ref _sleepers);
        if (sleepers > 0)
        {
            _sleep.Release(sleepers);
        }

        TakeShares();
        var spin = new SpinWait();
        while (Volatile.Read(ref _pending) > 0)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        Exception? failure = _failure;
        _body = null;
        Volatile.Write(ref _busy, 0);
        if (failure is not null)
        {
            throw new AggregateException(failure);
        }
    }

    /// <summary>Ends the workers.</summary>
    public void Dispose()
    {
        if (_stop)
        {
            return;
        }

        _stop = true;
        Interlocked.Increment(ref _epoch);
        _sleep.Release(Math.Max(1, _workers.Length));
        foreach (Thread worker in _workers)
        {
            worker.Join();
        }

        _sleep.Dispose();
    }

    private void TakeShares()
    {
        try
        {
            for (int first; (first = Interlocked.Add(ref _next, _chunk) - _chunk) < _rows;)
            {
                _body!(first, Math.Min(_rows, first + _chunk));
            }
        }
        catch (Exception exception)
        {
            // Kept for the caller's thread, where it can be caught; here it would end the process.
            Interlocked.CompareExchange(ref _failure, exception, null);
            Interlocked.Exchange(ref _next, _rows);
        }
    }

    private void Work()
    {
        int seen = 0;
        while (true)
        {
            seen = AwaitNext(seen);
            if (_stop)
            {
                return;
            }

            TakeShares();
            Interlocked.Decrement(ref _pending);
        }
    }

    private int AwaitNext(int seen)
    {
        for (int watch = 0; watch < Watches; watch++)
        {
            int epoch = Volatile.Read(ref _epoch);
            if (epoch != seen)
            {
                return epoch;
            }

            Thread.SpinWait(4);
        }

        // Announce the sleep first and look again: a loop begun in between either sees the announcement or is seen here.
        Interlocked.Increment(ref _sleepers);
        int now;
        while ((now = Volatile.Read(ref _epoch)) == seen)
        {
            _sleep.Wait();
        }

        Interlocked.Decrement(ref _sleepers);
        return now;
    }
}
