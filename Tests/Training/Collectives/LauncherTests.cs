using GumbelGan.Training.Collectives;
using Xunit;

namespace GumbelGan.Tests.Training.Collectives;

/// <summary>Who is asked how many ranks there are, and whose processors they run on.</summary>
public sealed class LauncherTests
{
    [Theory]
    [InlineData("", 0, 1, null)]
    [InlineData("OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4", 3, 4, "libmpi.so.40")]
    [InlineData("PMI_RANK=1 PMI_SIZE=2", 1, 2, "libmpich.so.12")]
    [InlineData("SLURM_PROCID=5 SLURM_STEP_NUM_TASKS=8 PMIX_RANK=5", 5, 8, "libmpi.so.40")]
    [InlineData("SLURM_PROCID=5 SLURM_STEP_NUM_TASKS=8", 5, 8, "libmpich.so.12")]
    // A batch script is one process, however many tasks its job has.
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=8", 0, 1, null)]
    [InlineData("PMI_RANK=1 PMI_SIZE=2 GUMBELGAN_MPI=/opt/mpi/lib/libmpi.so", 1, 2, "/opt/mpi/lib/libmpi.so")]
    [InlineData("PMI_RANK=1 PMI_SIZE=2 GUMBELGAN_MPI=none", 0, 1, null)]
    public void The_environment_tells_the_launcher(string environment, int rank, int size, string? library)
    {
        Dictionary<string, string> variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(assignment => assignment.Split('=')).ToDictionary(parts => parts[0], parts => parts[1]);
        var launcher = Launcher.Find(variables.GetValueOrDefault);
        Assert.Equal((rank, size, library), (launcher.Rank, launcher.Size, launcher.Libraries.Count == 0 ? null : launcher.Libraries[0]));
    }

    [Fact]
    public void Ranks_share_the_processors_that_they_may_run_on()
    {
        Assert.Equal([0, 1, 2, 3, 8, 10, 11], ProcessorShare.Parse("0-3,8,10-11"));
        // Bound to processors of their own, all of them theirs; unbound, a part of all; two bound to the same pair, one each.
        Assert.Equal(2, ProcessorShare.Of([2, 3], [1, 1, 1, 1], limit: 2, ranks: 2));
        Assert.Equal(2, ProcessorShare.Of([0, 1, 2, 3], [2, 2, 2, 2], limit: 4, ranks: 2));
        Assert.Equal(1, ProcessorShare.Of([0, 1], [2, 2, 2, 2], limit: 2, ranks: 4));
        Assert.Equal(1, ProcessorShare.Of([0, 1, 2, 3, 4, 5], [6, 6, 6, 6, 6, 6], limit: 6, ranks: 6));
        Assert.Equal(2, ProcessorShare.Of([0, 1, 2, 3, 4, 5], [3, 3, 3, 3, 3, 3], limit: 6, ranks: 3));
        Assert.Equal(0.5, ProcessorShare.Of([0, 1], [4, 4], limit: 2, ranks: 4));
        // A container that may use two of four processors' time.
        Assert.Equal(1, ProcessorShare.Of([0, 1, 2, 3], [2, 2, 2, 2], limit: 2, ranks: 2));
    }
}
