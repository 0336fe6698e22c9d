using System.Text.Json.Nodes;

namespace GumbelGan.Training.Benchmarking;

/// <summary>One timed thing, in milliseconds.</summary>
/// <param name="Name">"iteration" for the whole, else a part of it.</param>
/// <param name="Median">Of all repeats.</param>
/// <param name="Minimum">The fastest repeat: what the machine can do when nothing disturbs it.</param>
/// <param name="Maximum">The slowest repeat.</param>
public sealed record PhaseTime(string Name, double Median, double Minimum, double Maximum)
{
    /// <summary>Sums up the repeats of one phase.</summary>
    /// <param name="name">The phase.</param>
    /// <param name="milliseconds">One number a repeat, at least one.</param>
    public static PhaseTime Of(string name, IReadOnlyCollection<double> milliseconds)
    {
        double[] sorted = [.. milliseconds.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new PhaseTime(name, median, sorted[0], sorted[^1]);
    }
}

/// <summary>What a benchmark found.</summary>
/// <param name="Phases">The whole ("iteration") first, then its parts.</param>
/// <param name="PeakBytes">The most memory that the process ever had resident, libraries included.</param>
/// <param name="PrivateBytes">
/// What of it at the end is the process's own and backed by no file (the kernel's RssAnon), or null where the kernel does not tell.
/// </param>
/// <param name="ManagedBytes">What the garbage collector's heap holds at the end.</param>
/// <param name="Threads">Threads that the engine used.</param>
public sealed record BenchmarkResult(IReadOnlyList<PhaseTime> Phases, long PeakBytes, long? PrivateBytes, long ManagedBytes, int Threads)
{
    /// <summary>The document of <c>gumbelgan bench --json</c>: median_ms, min_ms and max_ms by phase, peak_bytes, threads.</summary>
    public JsonObject ToJson() => new()
    {
        ["median_ms"] = ByPhase(phase => phase.Median),
        ["min_ms"] = ByPhase(phase => phase.Minimum),
        ["max_ms"] = ByPhase(phase => phase.Maximum),
        ["peak_bytes"] = PeakBytes,
        ["threads"] = Threads,
    };

    private JsonObject ByPhase(Func<PhaseTime, double> number) =>
        new(Phases.Select(phase => KeyValuePair.Create(phase.Name, (JsonNode?)Math.Round(number(phase), 4))));
}
