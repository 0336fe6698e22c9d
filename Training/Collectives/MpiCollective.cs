using System.Diagnostics;
using GumbelGan.Storage;

namespace GumbelGan.Training.Collectives;

/// <summary>Ranks that an MPI launcher has started, on one machine or many.</summary>
/// <remarks>
/// An MPI library waits by watching, with a whole core. Ranks wait long for each other here, as for rank 0's evaluations, so they first announce
/// themselves, wait for all announcements with growing pauses, and only then make the call itself, for which nobody is late any more. Where ranks are
/// more than cores even a short call would keep the core from whom it waits for; there the call itself is begun and asked after with pauses.
/// </remarks>
public sealed unsafe class MpiCollective : ICollective
{
    // Pieces that MPI's 32-bit counts can count.
    private const int LargestPiece = 1 << 28;

    private static readonly TimeSpan _watching = TimeSpan.FromMicroseconds(50), _yielding = TimeSpan.FromMilliseconds(5);

    private readonly MpiLibrary _library;
    private readonly nint _ranks, _meeting;
    private readonly bool _hasOwnCores;
    private long _waitingSince;
    private bool _hasFailed;

    private MpiCollective(MpiLibrary library, Launcher launcher)
    {
        _library = library;
        library.Initialise();
        (Rank, Size) = library.Place(library.World);
        if (Size != launcher.Size)
        {
            throw new UserMistakeException($"{launcher.Name} has started {launcher.Size} processes, but {library.Name} knows of {Size}; name that "
                + $"launcher's own MPI library with {Launcher.Variable} (with srun, see --mpi=list).");
        }

        (_ranks, _meeting) = (library.Duplicate(library.World), library.Duplicate(library.World));
        nint neighbours = library.Neighbours();
        int[] allowed = ProcessorShare.Allowed();
        double[] users = new double[ProcessorShare.Most];
        foreach (int processor in allowed)
        {
            users[processor] = 1;
        }

        fixed (double* numbers = users)
        {
            library.Sum(numbers, users.Length, library.Double, neighbours);
        }

        double share = ProcessorShare.Of(allowed, users, Environment.ProcessorCount, library.Place(neighbours).Size);
        Threads = Math.Max(1, (int)share);
        // By it a rank chooses how it waits, which all must do alike: one kind of call does not meet the other.
        double without = share >= 1 ? 0 : 1;
        library.Sum(&without, 1, library.Double, _ranks);
        _hasOwnCores = without == 0;
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public int Threads { get; }

    /// <inheritdoc/>
    public TimeSpan Waiting => Interlocked.Read(ref _waitingSince) is not 0 and long since ? Stopwatch.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>Joins the other ranks.</summary>
    /// <exception cref="UserMistakeException">No library can be loaded, or it does not know the launcher's ranks.</exception>
    public static MpiCollective Join(Launcher launcher) => new(MpiLibrary.Load(launcher), launcher);

    /// <inheritdoc/>
    public void Sum(Span<float> numbers)
    {
        fixed (float* first = numbers)
        {
            Sum(first, numbers.Length, sizeof(float), _library.Float);
        }
    }

    /// <inheritdoc/>
    public void Sum(Span<double> numbers)
    {
        fixed (double* first = numbers)
        {
            Sum(first, numbers.Length, sizeof(double), _library.Double);
        }
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            for (int done = 0; done < bytes.Length; done += LargestPiece)
            {
                (nint at, int count) = ((nint)first + done, Math.Min(LargestPiece, bytes.Length - done));
                Together(() => _library.Broadcast((void*)at, count, _ranks), () => _library.BeginBroadcast((void*)at, count, _ranks));
            }
        }
    }

    /// <inheritdoc/>
    public void Barrier() => Together(static () => { }, () => _library.Arrive(_ranks));

    /// <inheritdoc/>
    public bool Meet(TimeSpan patience)
    {
        _hasFailed = true;
        nint request = _library.Arrive(_meeting);
        _hasFailed = !Await(ref request, patience);
        return !_hasFailed;
    }

    /// <inheritdoc/>
    public void Abort(int exitCode) => _library.Abort(exitCode);

    /// <inheritdoc/>
    public void Dispose()
    {
        // Who failed alone has nobody to take leave of.
        if (!_hasFailed)
        {
            _library.Finalise();
        }
    }

    private void Sum(void* first, int length, int width, nint type)
    {
        for (int done = 0; done < length; done += LargestPiece)
        {
            (nint at, int count) = ((nint)first + (nint)done * width, Math.Min(LargestPiece, length - done));
            Together(() => _library.Sum((void*)at, count, type, _ranks), () => _library.BeginSum((void*)at, count, type, _ranks));
        }
    }

    private void Together(Action call, Func<nint> begin)
    {
        Interlocked.Exchange(ref _waitingSince, Stopwatch.GetTimestamp());
        nint request = _hasOwnCores ? _library.Arrive(_ranks) : begin();
        _ = Await(ref request, Timeout.InfiniteTimeSpan);
        if (_hasOwnCores)
        {
            call();
        }

        Interlocked.Exchange(ref _waitingSince, 0);
    }

    private bool Await(ref nint request, TimeSpan patience)
    {
        for (long began = Stopwatch.GetTimestamp(); !_library.IsDone(ref request);)
        {
            TimeSpan waited = Stopwatch.GetElapsedTime(began);
            if (patience != Timeout.InfiniteTimeSpan && waited > patience)
            {
                return false;
            }

            if (waited > _yielding)
            {
                Thread.Sleep(1);
            }
            else if (waited > _watching || !_hasOwnCores)
            {
                Thread.Yield();
            }
        }

        return true;
    }
}
