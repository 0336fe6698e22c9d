using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace GumbelGan.Kernels;

/// <summary>
/// A parallel loop over rows with worker threads that stay. After a loop they spin for some microseconds in case the next one follows, then sleep.
/// </summary>
/// <remarks>
/// <para>The body must compute each row from that row alone; then nothing depends on the number of threads or on who took which rows.
/// The caller works too and never waits for a worker to wake: on a busy machine it simply does more of the rows itself.</para>
/// <para>They spin only shortly because libtorch's OpenMP threads need the same cores between our loops. A loop that is started within another
/// loop, or by a second thread at the same time, is correct; its rows are only shared less evenly.</para>
/// </remarks>
public sealed class RowParallel : IDisposable
{
    // 40 microseconds: longer than the gap between the kernels of one step, and short for others who need the core. It is measured by the clock,
    // since the runtime calibrates its own spinning anew in each process.
    private static readonly long _spinTicks = Stopwatch.Frequency * 40 / 1_000_000;

    private static readonly ConcurrentDictionary<int, Lazy<RowParallel>> _shared = new();

    private readonly Worker[] _workers;
    private Loop _current = new(static (_, _) => { }, 0, 1);
    private volatile bool _stop;

    /// <summary>Starts the workers.</summary>
    /// <param name="threads">Threads that run rows, the caller's included; at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is below 1.</exception>
    public RowParallel(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _workers = new Worker[threads - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            var worker = new Worker(this, i + 1);
            _workers[i] = worker;
            worker.Thread.Start();
        }
    }

    /// <summary>Threads that run rows, the caller's included.</summary>
    public int Threads => _workers.Length + 1;

    /// <summary>
    /// The loop of that many threads which the whole process shares, so that its workers are still awake for whoever comes next. It is started when
    /// first asked for and never disposed.
    /// </summary>
    /// <param name="threads">As in the constructor.</param>
    public static RowParallel Shared(int threads) =>
        _shared.GetOrAdd(threads, static count => new Lazy<RowParallel>(() => new RowParallel(count))).Value;

    /// <summary>The least number of rows of so many columns that is worth handing to another thread.</summary>
    public static int RowsWorthSharing(int columns) => Math.Max(1, 4096 / Math.Max(1, columns));

    /// <summary>Runs <paramref name="body"/>(first, end) over ranges that together cover 0 .. <paramref name="rows"/> - 1 once.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="rowsWorthSharing">The least number of rows to hand over at once.</param>
    /// <param name="body">Computes the rows from its first argument up to, not including, its second.</param>
    /// <remarks>Where the body throws on a thread, the first such exception is thrown here.</remarks>
    public void For(int rows, int rowsWorthSharing, Action<int, int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (_workers.Length == 0 || rows <= rowsWorthSharing)
        {
            if (rows > 0)
            {
                body(0, rows);
            }

            return;
        }

        // Four shares a thread, so that a thread that was interrupted by other work does not hold up all.
        var loop = new Loop(body, rows, Math.Max(rowsWorthSharing, (rows + (Threads * 4) - 1) / (Threads * 4)));
        Volatile.Write(ref _current, loop);
        Interlocked.MemoryBarrier();
        foreach (Worker worker in _workers)
        {
            worker.Wake();
        }

        loop.TakeShares();
        var spin = new SpinWait();
        while (!loop.Done)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        if (loop.Failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
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
        Interlocked.MemoryBarrier();
        foreach (Worker worker in _workers)
        {
            worker.Wake();
            worker.Thread.Join();
        }
    }

    private sealed class Loop(Action<int, int> body, int rows, int share)
    {
        private readonly int _processor = Processors.Current;
        private int _next;
        private int _finished;
        private Exception? _failure;

        public Exception? Failure => Volatile.Read(ref _failure);

        public bool Done => Volatile.Read(ref _finished) == rows;

        /// <summary>
        /// Moves a worker off the processor of the loop's caller. Linux now and then wakes a thread on the processor of its waker, where the two take
        /// turns while another processor is idle. (In a long series of products this was seen in one quarter of a second in thirty, which lost 5 % of
        /// its speed.)
        /// </summary>
        public void LeaveCallersProcessor()
        {
            if (_processor >= 0 && Processors.Current == _processor)
            {
                Processors.Leave(_processor);
            }
        }

        public void TakeShares()
        {
            while (true)
            {
                int first = Interlocked.Add(ref _next, share) - share;
                if (first >= rows)
                {
                    return;
                }

                int end = Math.Min(rows, first + share);
                try
                {
                    body(first, end);
                }
                catch (Exception exception)
                {
                    // Thrown later on the caller's thread, where it can be caught; on a worker it would end the process.
                    Interlocked.CompareExchange(ref _failure, exception, null);
                }

                Interlocked.Add(ref _finished, end - first);
            }
        }
    }

    [SuppressMessage("Design", "CA1001", Justification = "The worker's own thread is the last to wait for the alarm, and disposes of it.")]
    private sealed class Worker
    {
        private readonly RowParallel _owner;
        private readonly SemaphoreSlim _alarm = new(0);
        private int _asleep;

        public Worker(RowParallel owner, int number)
        {
            _owner = owner;
            Thread = new Thread(Run) { IsBackground = true, Name = $"rows {number}" };
        }

        public Thread Thread { get; }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Wake()
        {
            if (Volatile.Read(ref _asleep) != 0 && Interlocked.Exchange(ref _asleep, 0) != 0)
            {
                _alarm.Release();
            }
        }

        private void Run()
        {
            Loop? seen = null;
            while (!_owner._stop)
            {
                seen = AwaitNext(seen);
                seen.LeaveCallersProcessor();
                seen.TakeShares();
            }

            _alarm.Dispose();
        }

        private Loop AwaitNext(Loop? seen)
        {
            for (long end = Stopwatch.GetTimestamp() + _spinTicks; Stopwatch.GetTimestamp() < end;)
            {
                Loop loop = Volatile.Read(ref _owner._current);
                if (loop != seen)
                {
                    return loop;
                }

                Thread.SpinWait(4);
            }

            // Announce the sleep before looking again: a loop that begins in between either sees the announcement or is seen here.
            Interlocked.Exchange(ref _asleep, 1);
            bool nothingNew = Volatile.Read(ref _owner._current) == seen && !_owner._stop;
            if (nothingNew || Interlocked.Exchange(ref _asleep, 0) == 0)
            {
                _alarm.Wait();
            }

            return Volatile.Read(ref _owner._current);
        }
    }
}
