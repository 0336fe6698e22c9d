namespace GumbelGan.Training.Collectives;

/// <summary>
/// The processes ("ranks") that train one run together, each on its slice of every batch. All of them make the same calls in the same order; none
/// returns before all have come.
/// </summary>
/// <remarks>One call at a time, from whichever thread. Disposing ends this rank's part: it waits for the others to end theirs.</remarks>
public interface ICollective : IDisposable
{
    /// <summary>This process, from 0; rank 0 records, evaluates, writes checkpoints and speaks.</summary>
    int Rank { get; }

    /// <summary>How many processes.</summary>
    int Size { get; }

    /// <summary>Threads that this rank may use without taking cores from other ranks on its machine.</summary>
    int Threads { get; }

    /// <summary>How long this rank has been waiting in the present call; zero between calls. May be asked from another thread.</summary>
    TimeSpan Waiting { get; }

    /// <summary>Replaces each number by its sum over the ranks: the same bits on every rank, and in every run of as many ranks.</summary>
    void Sum(Span<float> numbers);

    /// <summary>The same in double precision.</summary>
    void Sum(Span<double> numbers);

    /// <summary>Replaces the bytes by those of rank 0; as many on each rank.</summary>
    void Broadcast(Span<byte> bytes);

    /// <summary>Returns once every rank has called it.</summary>
    void Barrier();

    /// <summary>
    /// Whether every other rank comes here too within <paramref name="patience"/>: how a failing rank finds out whether all have failed, as all do
    /// where training diverges, or it alone. Others may meanwhile be in any other call.
    /// </summary>
    bool Meet(TimeSpan patience);

    /// <summary>
    /// Ends all ranks at once; this one with <paramref name="exitCode"/>, and the job with the same where the launcher passes it on.
    /// </summary>
    void Abort(int exitCode);
}
