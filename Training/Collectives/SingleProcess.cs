namespace GumbelGan.Training.Collectives;

/// <summary>A process by itself: it has every row of a batch, and nobody to wait for.</summary>
public sealed class SingleProcess : ICollective
{
    private SingleProcess()
    {
    }

    /// <summary>The only one.</summary>
    public static SingleProcess Instance { get; } = new();

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public int Threads => Environment.ProcessorCount;

    /// <inheritdoc/>
    public TimeSpan Waiting => TimeSpan.Zero;

    /// <inheritdoc/>
    public void Sum(Span<float> numbers)
    {
    }

    /// <inheritdoc/>
    public void Sum(Span<double> numbers)
    {
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> bytes)
    {
    }

    /// <inheritdoc/>
    public void Barrier()
    {
    }

    /// <inheritdoc/>
    public bool Meet(TimeSpan patience) => true;

    /// <inheritdoc/>
    public void Abort(int exitCode) => Environment.Exit(exitCode);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
