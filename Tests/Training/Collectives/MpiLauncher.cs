using System.Diagnostics;
using GumbelGan.Tests.Cli;

namespace GumbelGan.Tests.Training.Collectives;

/// <summary>The program started by an MPI launcher of this machine, as a user starts it.</summary>
internal sealed class MpiLauncher
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Task<string> _output, _error;

    private MpiLauncher(Process process) =>
        (_process, _output, _error) = (process, process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());

    /// <summary>Whether the launcher is installed: Debian calls them mpirun.openmpi and mpirun.mpich.</summary>
    public static bool IsInstalled(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, name)));

    /// <summary>Starts the program on so many ranks.</summary>
    /// <param name="name">The launcher.</param>
    /// <param name="ranks">How many.</param>
    /// <param name="network">Where every other rank runs on the other of two machines; null for this one.</param>
    /// <param name="arguments">The program's.</param>
    public static MpiLauncher Start(string name, int ranks, LoopbackNetwork? network, params string[] arguments) =>
        StartBy([], name, ranks, network, arguments);

    /// <summary>Runs the program to its end, two ranks on each processor by the order of their numbers.</summary>
    public static ProgramRun RunInPairs(string name, int ranks, params string[] arguments) => StartBy(
        ["sh", "-c", "exec taskset -c $((${OMPI_COMM_WORLD_RANK:-$PMI_RANK} / 2)) \"$@\"", "sh"], name, ranks, null, arguments).End();

    private static MpiLauncher StartBy(string[] starter, string name, int ranks, LoopbackNetwork? network, string[] arguments)
    {
        // More ranks than cores, and tests that run as root, are what Open MPI wants to be told of.
        string[] options = IsOpenMpi(name) ? ["--oversubscribe"] : [];
        string[] command = [name, .. options, .. network?.Options(IsOpenMpi(name)) ?? [], "-n", $"{ranks}", .. starter, ProgramProcess.Program,
            .. arguments];
        if (network is not null)
        {
            command = [network.Script, network.First, "env", .. LoopbackNetwork.Environment, .. command];
        }

        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        foreach (string permission in (string[])["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"])
        {
            start.Environment[permission] = "1";
        }

        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return new MpiLauncher(process);
    }

    /// <summary>Runs the program to its end.</summary>
    public static ProgramRun Run(string name, int ranks, LoopbackNetwork? network, params string[] arguments) =>
        Start(name, ranks, network, arguments).End();

    private static bool IsOpenMpi(string name) => name.EndsWith("openmpi", StringComparison.Ordinal);

    /// <summary>Waits until <paramref name="holds"/>; false where the job ends first.</summary>
    public bool WaitUntil(Func<bool> holds)
    {
        for (var clock = Stopwatch.StartNew(); !holds(); Thread.Sleep(10))
        {
            if (_process.HasExited)
            {
                return holds();
            }

            if (clock.Elapsed > _patience)
            {
                throw new TimeoutException("Nothing happened.");
            }
        }

        return true;
    }

    /// <summary>SIGKILL to one rank of the job.</summary>
    /// <param name="rank">Which.</param>
    /// <param name="folder">The run, which its command line names.</param>
    public static void KillRank(int rank, string folder)
    {
        foreach (string process in Directory.GetDirectories("/proc").Where(path => int.TryParse(Path.GetFileName(path), out _)))
        {
            if (Read(process, "cmdline") is [_, "train", ..] words && words.Contains(folder)
                && Read(process, "environ").Any(variable => variable == $"OMPI_COMM_WORLD_RANK={rank}" || variable == $"PMI_RANK={rank}"))
            {
                Process.GetProcessById(int.Parse(Path.GetFileName(process), System.Globalization.CultureInfo.InvariantCulture)).Kill();
                return;
            }
        }

        throw new InvalidOperationException($"There is no rank {rank}.");
    }

    /// <summary>Waits for the end.</summary>
    public ProgramRun End()
    {
        if (!_process.WaitForExit(_patience))
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The job does not end; it said: {_error.GetAwaiter().GetResult()}");
        }

        return new ProgramRun(_process.ExitCode, _output.GetAwaiter().GetResult(), _error.GetAwaiter().GetResult());
    }

    private static string[] Read(string process, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, file)).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
