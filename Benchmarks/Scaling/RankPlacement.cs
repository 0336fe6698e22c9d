using System.Diagnostics;

namespace GumbelGan.Benchmarks.Scaling;

/// <summary>A way to start several ranks: a launcher, and whether they share memory or speak over a network of two machines.</summary>
/// <param name="Name">In tables.</param>
/// <param name="IsOpenMpi">Open MPI's launcher; else MPICH's.</param>
/// <param name="IsNetworked">Over a pair of interfaces in two network namespaces, see scripts/network-loopback.sh.</param>
internal sealed record RankPlacement(string Name, bool IsOpenMpi, bool IsNetworked)
{
    private const int Number = 251;
    private const string Script = "scripts/network-loopback.sh";

    /// <summary>All ways.</summary>
    public static IReadOnlyList<RankPlacement> All =>
        [new("Open MPI", true, false), new("MPICH", false, false), new("Open MPI, TCP", true, true), new("MPICH, TCP", false, true)];

    private string Launcher => IsOpenMpi ? "mpirun.openmpi" : "mpirun.mpich";

    /// <summary>Whether it can be used here.</summary>
    public bool IsPossible() => Succeeds("sh", "-c", $"command -v {Launcher}") && (!IsNetworked || HasNetwork());

    /// <summary>The command line of a program on two ranks.</summary>
    public string[] Command(string program, params string[] arguments)
    {
        string agent = Path.GetFullPath(Script), hosts = $"10.77.{Number}.1,10.77.{Number}.2";
        string[] network = !IsNetworked ? [] : IsOpenMpi
            ? ["--mca", "plm_rsh_agent", agent, "--host", hosts] : ["-launcher", "rsh", "-launcher-exec", agent, "-hosts", hosts];
        string[] start = IsNetworked
            ? [agent, $"10.77.{Number}.1", "env", "UCX_TLS=tcp,self", "UCX_NET_DEVICES=gumbel0"] : ["env"];
        return [.. start, "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", Launcher, .. network, "-n", "2",
            Path.GetFullPath(program), .. arguments];
    }

    /// <summary>Takes the network down, if there is one.</summary>
    public static void End() => Succeeds("bash", Script, "stop", $"{Number}");

    private static bool HasNetwork() =>
        Succeeds("ip", "netns", "exec", $"10.77.{Number}.1", "true") || Succeeds("bash", Script, "start", $"{Number}");

    private static bool Succeeds(string program, params string[] arguments)
    {
        try
        {
            using Process process =
                Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
