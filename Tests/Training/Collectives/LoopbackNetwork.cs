using System.Globalization;
using Xunit;

namespace GumbelGan.Tests.Training.Collectives;

/// <summary>Two machines in this one, each with an address and an interface of its own: scripts/network-loopback.sh.</summary>
internal sealed class LoopbackNetwork : IDisposable
{
    private readonly int _number;

    private LoopbackNetwork(int number) => _number = number;

    /// <summary>Starts a command on one of the two, as ssh would.</summary>
    public string Script { get; } = Path.Combine(SourceTree.Root, "scripts", "network-loopback.sh");

    /// <summary>The address of the machine that jobs are started on.</summary>
    public string First => $"10.77.{_number}.1";

    /// <summary>Variables without which UCX, below MPICH, would find out that the two have one memory, and one loopback interface.</summary>
    public static string[] Environment => ["UCX_TLS=tcp,self", "UCX_NET_DEVICES=gumbel0"];

    private string Second => $"10.77.{_number}.2";

    /// <summary>Makes the two machines; the test is skipped where that cannot be done.</summary>
    public static LoopbackNetwork Start()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Network namespaces are Linux's.");
        // Both launchers split what they start other machines with at white space.
        Assert.SkipWhen(SourceTree.Root.Any(char.IsWhiteSpace),
            $"Launchers cannot start {SourceTree.Root}/scripts/network-loopback.sh, whose path has a space.");
        // Other tests may be running on this machine.
        var network = new LoopbackNetwork(1 + (System.Environment.ProcessId % 250));
        (int exitCode, _, string why) = ProgramProcess.OfScript(network.Script, "start", $"{network._number}");
        Assert.SkipWhen(exitCode != 0, $"There is no network of two machines here: {why.Trim()}");
        return network;
    }

    /// <summary>What the launcher is told: the machines, a rank on each in turn, and how to start something there.</summary>
    public string[] Options(bool isOpenMpi) => isOpenMpi
        ? ["--mca", "plm_rsh_agent", Script, "--host", $"{First},{Second}", "--map-by", "node"]
        : ["-launcher", "rsh", "-launcher-exec", Script, "-hosts", $"{First},{Second}"];

    /// <summary>Bytes that the second machine has received from the first.</summary>
    public long Received() =>
        long.Parse(ProgramProcess.OfScript(Script, Second, "cat /sys/class/net/gumbel0/statistics/rx_bytes").Output, CultureInfo.InvariantCulture);

    public void Dispose() => ProgramProcess.OfScript(Script, "stop", $"{_number}");
}
