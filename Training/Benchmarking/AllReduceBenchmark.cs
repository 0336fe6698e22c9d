using System.Diagnostics;
using System.Globalization;
using GumbelGan.Training.Collectives;

namespace GumbelGan.Training.Benchmarking;

/// <summary>
/// Times how long ranks take to add up buffers of several sizes: what an update of a network with so many weights waits for the others.
/// </summary>
public static class AllReduceBenchmark
{
    // From one number to the gradient of a network of four million weights.
    private static readonly int[] _sizes = [4, 1 << 10, 1 << 14, 1 << 17, 1 << 20, 1 << 22, 1 << 24];

    /// <summary>Times each size; every rank takes part.</summary>
    /// <param name="repeats">How often.</param>
    /// <param name="ranks">Who adds up.</param>
    /// <param name="cancellation">Ends it between two sizes.</param>
    /// <returns>One phase a size, named by its bytes.</returns>
    public static BenchmarkResult Run(int repeats, ICollective ranks, CancellationToken cancellation)
    {
        var phases = new List<PhaseTime>();
        foreach (int bytes in _sizes)
        {
            if (ranks.Any(cancellation.IsCancellationRequested))
            {
                throw new OperationCanceledException(cancellation);
            }

            float[] numbers = GC.AllocateArray<float>(bytes / sizeof(float), pinned: true);
            double[] times = new double[repeats];
            for (int repeat = -3; repeat < repeats; repeat++)
            {
                ranks.Barrier();
                long start = Stopwatch.GetTimestamp();
                ranks.Sum(numbers.AsSpan());
                times[Math.Max(0, repeat)] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }

            phases.Add(PhaseTime.Of(string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"), times));
        }

        using var process = Process.GetCurrentProcess();
        return new BenchmarkResult(phases, process.PeakWorkingSet64, PrivateMemory.Of("self"), GC.GetTotalMemory(forceFullCollection: false), 1);
    }
}
