using GumbelGan.Storage;
using GumbelGan.Training.Objectives;

namespace GumbelGan.Training.Benchmarking;

/// <summary>What can be timed.</summary>
/// <param name="Name">On the command line.</param>
/// <param name="Explanation">What is timed, for the help text.</param>
/// <param name="Objective">Whose step it is; null where it is none.</param>
public sealed record BenchmarkSubject(string Name, string Explanation, ObjectiveKind? Objective) : INamedKind
{
    /// <summary>Drawing hard samples.</summary>
    public static BenchmarkSubject Sampling { get; } = new("sample", "drawing --count sequences", null);

    /// <summary>What every update of several ranks waits for.</summary>
    public static BenchmarkSubject Allreduce { get; } = new("allreduce", "adding up buffers over the ranks of an MPI launcher", null);

    /// <summary>A step of the objective that runs have unless told otherwise.</summary>
    public static BenchmarkSubject Default { get; } = Of(ObjectiveKind.Default);

    /// <summary>A step of each objective, sampling, and adding up.</summary>
    public static IReadOnlyList<BenchmarkSubject> All { get; } =
        [Default, .. ObjectiveKind.All.Where(kind => kind != ObjectiveKind.Default).Select(Of), Sampling, Allreduce];

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static BenchmarkSubject Of(ObjectiveKind kind) => new(kind.BenchmarkName, kind.BenchmarkedStep, kind);
}
