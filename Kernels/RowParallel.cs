using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace GumbelGan.Kernels;

/// <summary>
/// A parallel loop over rows with workers that stay: after a loop they watch for the next one a few microseconds and then sleep.
/// </summary>
/// <remarks>
/// <para>The body must compute each row from that row alone; then nothing depends on the number of threads or on who took which rows.
/// The caller works too and never waits for a worker to wake: on a busy machine it simply does more of the rows itself.</para>
/// <para>The watching is kept short because libtorch's OpenMP threads want the same cores between our loops. A loop started inside a
/// loop, or from a second thread meanwhile, is correct; its rows are just shared less evenly.</para>
/// </remarks>
public sealed class RowParallel : IDisposable
{
    // 40 microseconds: longer than the gap between the kernels of one step, and no loss worth mention to whoever else wants the core. Told by the
    // clock, since the runtime measures anew in each process how long its own spinning takes.
    private static readonly long _watch = Stopwatch.Frequency * 40 / 1_000_000;

    private static readonly ConcurrentDictionary<int, Lazy<RowParallel>> _shared = new();

    private readonly Worker[] _workers;
    private Loop _current = new(static (_, _) => { }, 0, 1);
    private volatile bool _stop;

    /// <summary>Starts the workers.</summary>
    /// <param name="threads">Threads that run rows, the caller's included; at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is not even one thread.</exception>
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
    /// The process's own loop of so many threads, started when first asked for and never disposed: what follows upon each other finds its workers
    /// awake.
    /// </summary>
    /// <param name="threads">See the constructor.</param>
    public static RowParallel Shared(int threads) =>
        _shared.GetOrAdd(threads, static count => new Lazy<RowParallel>(() => new RowParallel(count))).Value;

    /// <summary>How many rows of this many columns make a share large enough to be worth handing to another thread.</summary>
    public static int RowsWorthSharing(int columns) => Math.Max(1, 4096 / Math.Max(1, columns));

    /// <summary>Runs <paramref name="body"/>(first, end) over ranges that together cover 0 .. <paramref name="rows"/> - 1 once.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="rowsWorthSharing">The least number of rows to hand over at once.</param>
    /// <param name="body">Computes the rows from its first argument up to, not including, its second.</param>
    /// <remarks>Where the body throws on some thread, the first such exception is thrown here, as on a single thread.</remarks>
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

        // Four shares a thread, so that one that was held up by someone else's work does not hold up all.
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
        /// Moves a worker off the processor of the loop's caller. The kernel now and then wakes a thread where its waker runs, and there the two take
        /// turns while another processor stands idle (seen in one quarter of a second in thirty of products that follow upon each other, 5 % of its
        /// speed lost).
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
                    // Kept for the caller's thread, where it can be caught; on a worker it would end the process.
                    Interlocked.CompareExchange(ref _failure, exception, null);
                }

                Interlocked.Add(ref _finished, end - first);
            }
        }
    }

    [SuppressMessage("Design", "CA1001", Justification = "Its own thread disposes of the alarm, as the last that waits for it.")]
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
            for (long end = Stopwatch.GetTimestamp() + _watch; Stopwatch.GetTimestamp() < end;)
            {
                Loop loop = Volatile.Read(ref _owner._current);
                if (loop != seen)
                {
                    return loop;
                }

                Thread.SpinWait(4);
            }

            // Announce the sleep first and look again: a loop begun in between either sees the announcement or is seen here.
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
