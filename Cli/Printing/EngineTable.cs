using System.Globalization;
using System.Runtime.InteropServices;
using GumbelGan.Engine;

namespace GumbelGan.Cli.Printing;

/// <summary>What <c>gumbelgan doctor</c> tells.</summary>
internal static class EngineTable
{
    public static void Write(EngineReport report, TableWriter writer)
    {
        writer.WritePairs(
        [
            ("program", ProgramVersion.Program),
            ("system", $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.RuntimeIdentifier}, "
                + RuntimeInformation.FrameworkDescription),
            ("TorchSharp", report.TorchSharp),
            ("libtorch", report.LibtorchPath is null ? report.Libtorch : $"{report.Libtorch} ({report.LibtorchPath})"),
            ("threads", string.Create(CultureInfo.InvariantCulture,
                $"{report.Threads} of {report.Cores} cores ({report.InitialThreads} unless told)")),
            ("product", string.Create(CultureInfo.InvariantCulture, $"{report.Gigaflops:F0} GFLOP/s (512 x 512, one thread)")),
            ("convolution", string.Create(CultureInfo.InvariantCulture, $"gradient within {report.ConvolutionError:G1} of products'")),
            ("CUDA", report.CudaDevices == 0 ? "no device" : string.Create(CultureInfo.InvariantCulture, $"{report.CudaDevices} device(s)")),
        ]);
        writer.WriteLine();
        IReadOnlyList<string> problems = report.Problems();
        foreach (string problem in problems)
        {
            writer.WriteLine($"Problem: {problem}");
        }

        if (problems.Count == 0)
        {
            writer.WriteLine("All is well.");
        }
    }
}
