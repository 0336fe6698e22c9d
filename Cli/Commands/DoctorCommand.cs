using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Engine;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan doctor</c>: what the program runs on, and what is wrong with it.</summary>
internal static class DoctorCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("doctor",
            "Tells which engine the program runs on, how fast it multiplies, and what to do about anything that is wrong.",
            request => Run(request, surroundings))
        {
            Examples = [new("gumbelgan doctor", "TorchSharp and libtorch, threads, devices, and remedies")],
        }
        .Flag("--json", "Print one JSON document instead of lines.", request => request.IsJson);

    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps the engine from loading is what the doctor is there to report.")]
    private static int Run(Request request, Surroundings surroundings)
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

        surroundings.Print(
            request.IsJson, () => JsonSerializer.Serialize(new { Engine = report, Problems = report.Problems() }, JsonFormat.Options),
            writer => EngineTable.Write(report, writer));

        return ExitCode.Done;
    }

    private sealed record Request
    {
        public bool IsJson { get; init; }
    }
}
