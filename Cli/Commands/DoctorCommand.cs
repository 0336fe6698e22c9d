using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using GumbelGan.Engine;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan doctor</c>: what the program runs on, and what is wrong with it.</summary>
internal static class DoctorCommand
{
    private static readonly JsonSerializerOptions _json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static Command Create(Surroundings surroundings)
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of lines." };
        var command = new ExplainedCommand("doctor",
            "Tells which engine the program runs on, how fast it multiplies, and what to do about anything that is wrong.")
        {
            Examples = [new("gumbelgan doctor", "TorchSharp and libtorch, threads, devices, and remedies")],
        };
        command.Options.Add(json);
        command.SetAction(parsed => Examine(surroundings, parsed.GetValue(json)));
        return command;
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps the engine from loading is what the doctor is there to report.")]
    private static int Examine(Surroundings surroundings, bool isJson)
    {
        EngineReport report;
        try
        {
            report = EngineReport.Measure();
        }
        catch (Exception failure)
        {
            // The loader's own message is a page of paths that it tried; it is there for who asks.
            surroundings.Error.WriteLine(EngineReport.Remedy(failure));
            GumbelGanProgram.ShowTrace(failure, surroundings.Error);
            return ExitCode.Failed;
        }

        IReadOnlyList<string> problems = report.Problems();
        if (isJson)
        {
            surroundings.Output.WriteLine(JsonSerializer.Serialize(new { Engine = report, Problems = problems }, _json));
            return ExitCode.Done;
        }

        (string Name, string Value)[] lines =
        [
            ("system", string.Join(", ", RuntimeInformation.OSDescription.Trim(), RuntimeInformation.RuntimeIdentifier,
                RuntimeInformation.FrameworkDescription)),
            ("TorchSharp", report.TorchSharp),
            ("libtorch", report.LibtorchPath is null ? report.Libtorch : $"{report.Libtorch} ({report.LibtorchPath})"),
            ("threads", string.Create(CultureInfo.InvariantCulture,
                $"{report.Threads} of {report.Cores} cores ({report.InitialThreads} unless told)")),
            ("product", string.Create(CultureInfo.InvariantCulture, $"{report.Gigaflops:F0} GFLOP/s (512 x 512, one thread)")),
            ("CUDA", report.CudaDevices == 0 ? "no device" : string.Create(CultureInfo.InvariantCulture, $"{report.CudaDevices} device(s)")),
        ];
        foreach ((string name, string value) in lines)
        {
            surroundings.Output.WriteLine($"{name,-10} {value}");
        }

        surroundings.Output.WriteLine();
        foreach (string problem in problems)
        {
            surroundings.Output.WriteLine($"Problem: {problem}");
        }

        if (problems.Count == 0)
        {
            surroundings.Output.WriteLine("All is well.");
        }

        return ExitCode.Done;
    }
}
