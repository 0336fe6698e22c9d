using System.Globalization;

namespace GumbelGan.Training.Collectives;

/// <summary>What the program that started this process says of its siblings; mpirun and srun tell each rank through its environment.</summary>
/// <param name="Name">Who started it, in words.</param>
/// <param name="Rank">This process, from 0.</param>
/// <param name="Size">How many were started together; 1 without a launcher.</param>
/// <param name="Libraries">The MPI libraries that go with it, the likeliest first.</param>
public sealed record Launcher(string Name, int Rank, int Size, IReadOnlyList<string> Libraries)
{
    /// <summary>
    /// Names the MPI library, where the right one is not found by itself; "none" for processes that a launcher starts and that have nothing to do
    /// with each other.
    /// </summary>
    public const string Variable = "GUMBELGAN_MPI";

    private const string Separate = "none";

    // The names under which libraries of the two families are installed: Open MPI's; and MPICH's with the ABI that Intel MPI, MVAPICH and Cray share.
    private static readonly string[] _openMpi = ["libmpi.so.40", "libmpi.40.dylib", "libmpi.so.80"];
    private static readonly string[] _mpich = ["libmpich.so.12", "libmpi.so.12", "libmpi_gnu.so.12", "libmpi_cray.so.12", "libmpi.12.dylib"];

    /// <summary>The launcher of this process.</summary>
    /// <param name="environment">The value of a variable, or null.</param>
    public static Launcher Find(Func<string, string?> environment)
    {
        string? named = environment(Variable);
        Launcher? found = named == Separate ? null
            : Of("Open MPI's mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", [.. _openMpi, .. _mpich])
            ?? Of("mpirun", "PMI_RANK", "PMI_SIZE", [.. _mpich, .. _openMpi])
            // Slurm tells a batch script of its tasks too; only inside a step are there as many processes.
            ?? Of("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS",
                environment("PMIX_RANK") is null ? [.. _mpich, .. _openMpi] : [.. _openMpi, .. _mpich]);
        found ??= new Launcher("", 0, 1, []);
        return string.IsNullOrEmpty(named) || named == Separate ? found : found with { Libraries = [named] };

        Launcher? Of(string name, string rank, string size, string[] libraries) =>
            Number(rank) is { } own && Number(size) is { } all ? new Launcher(name, own, all, libraries) : null;

        int? Number(string variable) =>
            int.TryParse(environment(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;
    }
}
