using GumbelGan.Training.Collectives;

namespace GumbelGan.Tests.Training.Collectives;

/// <summary>
/// Ranks that are threads of this process, so that a test can have four of them without any MPI. Sums are made in the order of the ranks.
/// </summary>
internal sealed class ThreadRanks : ICollective
{
    private readonly Meeting _meeting;

    private ThreadRanks(int rank, Meeting meeting) => (Rank, _meeting) = (rank, meeting);

    public int Rank { get; }

    public int Size => _meeting.Present.ParticipantCount;

    public int Threads => 1;

    public TimeSpan Waiting => TimeSpan.Zero;

    /// <summary>Runs <paramref name="body"/> on so many ranks; returns what each failed with, null where it did not.</summary>
    public static Exception?[] Run(int size, Action<ICollective> body)
    {
        using var meeting = new Meeting(size);
        var failures = new Exception?[size];
        Thread[] threads = [.. Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                body(new ThreadRanks(rank, meeting));
            }
            catch (Exception failure)
            {
                failures[rank] = failure;
                meeting.Over.Cancel();
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        return failures;
    }

    public void Sum(Span<float> numbers)
    {
        float[][] all = Exchange(numbers);
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = all.Sum(own => own[i]);
        }
    }

    public void Sum(Span<double> numbers)
    {
        double[][] all = Exchange(numbers);
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = all.Sum(own => own[i]);
        }
    }

    public void Broadcast(Span<byte> bytes) => Exchange(bytes)[0].CopyTo(bytes);

    public void Barrier() => _meeting.Present.SignalAndWait(_meeting.Over.Token);

    public bool Meet(TimeSpan patience) => _meeting.Failed.SignalAndWait(patience);

    public void Abort(int exitCode) => _meeting.Over.Cancel();

    public void Dispose()
    {
    }

    private T[][] Exchange<T>(ReadOnlySpan<T> own)
    {
        _meeting.Brought[Rank] = own.ToArray();
        Barrier();
        T[][] all = [.. _meeting.Brought.Cast<T[]>()];
        Barrier();
        if (all.Any(other => other.Length != all[0].Length))
        {
            throw new InvalidOperationException("The ranks bring buffers of different lengths.");
        }

        return all;
    }

    private sealed class Meeting(int size) : IDisposable
    {
        public Barrier Present { get; } = new(size);

        public Barrier Failed { get; } = new(size);

        public CancellationTokenSource Over { get; } = new();

        public object[] Brought { get; } = new object[size];

        public void Dispose()
        {
            Present.Dispose();
            Failed.Dispose();
            Over.Dispose();
        }
    }
}
