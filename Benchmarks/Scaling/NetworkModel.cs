namespace GumbelGan.Benchmarks.Scaling;

/// <summary>
/// What adding up a buffer over N ranks costs: each byte is sent twice but for its own part, as the best algorithms do (Thakur, Rabenseifner and
/// Gropp 2005, "Optimization of collective communication operations in MPICH"), in messages that halve and double.
/// </summary>
/// <param name="Name">In tables.</param>
/// <param name="Latency">Seconds of a small message between two ranks, MPI's part counted.</param>
/// <param name="Bandwidth">Bytes a second, one direction.</param>
internal sealed record NetworkModel(string Name, double Latency, double Bandwidth)
{
    // Reduce and scatter, gather, and the announcement that comes before every sum.
    private const int Rounds = 3;

    /// <summary>The networks that the model is made for. Assumed, not measured: what such hardware gives MPI in practice.</summary>
    public static IReadOnlyList<NetworkModel> Assumed =>
        [new("1 Gb Ethernet", 50e-6, 0.117e9), new("10 Gb Ethernet", 25e-6, 1.1e9), new("InfiniBand HDR, 200 Gb", 2e-6, 22e9)];

    /// <summary>Seconds to add up so many bytes over so many ranks.</summary>
    public double Seconds(long bytes, int ranks) =>
        ranks == 1 ? 0 : (Rounds * Math.Log2(ranks) * Latency) + (2.0 * (ranks - 1) / ranks * bytes / Bandwidth);
}
