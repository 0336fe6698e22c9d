using System.Globalization;
using GumbelGan.Training.Benchmarking;

namespace GumbelGan.Cli.Printing;

/// <summary>What <c>gumbelgan bench</c> found.</summary>
internal static class BenchmarkTable
{
    public static void Write(BenchmarkOptions options, BenchmarkResult result, TableWriter writer)
    {
        string Sizes(bool isPublished) =>
            isPublished ? " at published sizes" : string.Create(CultureInfo.InvariantCulture, $" (E {options.Embedding}, H {options.Hidden})");
        writer.WriteLine(options.Subject == BenchmarkSubject.Allreduce ? $"{options.Repeats} repeats"
            : string.Create(CultureInfo.InvariantCulture, $"V {options.Vocabulary}, T {options.Length}, batch {options.Batch}, "
            + $"{options.Generator} generator{Sizes(options.GeneratorHasItsOwnSizes)}, "
            + $"{options.Discriminator} discriminator{Sizes(options.DiscriminatorHasItsOwnSizes)}{(options.IsComposed ? ", composed" : "")}; "
            + $"{result.Threads} threads, {options.Repeats} repeats"));
        writer.WriteLine();
        writer.Write(
            [
                ["milliseconds", "median", "min", "max"],
                .. result.Phases.Select(phase => (string[])
                    [phase.Name.Replace('_', ' '), Milliseconds(phase.Median), Milliseconds(phase.Minimum), Milliseconds(phase.Maximum)]),
            ],
            numbersFrom: 1);
        writer.WriteLine();
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"peak memory {result.PeakBytes / 1e6:F0} MB resident, libraries included"
            + $"{(result.PrivateBytes is { } bytes ? $"; {bytes / 1e6:F0} MB is the process's own" : "")}, {result.ManagedBytes / 1e6:F0} MB of it "
            + $"managed"));
    }

    private static string Milliseconds(double time) => time.ToString("F2", CultureInfo.InvariantCulture);
}
