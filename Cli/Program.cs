using System.Runtime.InteropServices;
using System.Text;
using GumbelGan.Cli;
using GumbelGan.Cli.Streams;
using GumbelGan.Engine;
using GumbelGan.Training.Collectives;
using Microsoft.Win32.SafeHandles;

IReadOnlyList<SafeFileHandle> fillers = StandardStream.FillGaps();
EngineSettings.ApplyEnvironment();
if (Launcher.Find(Environment.GetEnvironmentVariable).Size > 1)
{
    // Open MPI gives a rank what looks like a terminal and passes on what is written there, to a file as well: no commands to a terminal, then.
    Environment.SetEnvironmentVariable("TERM", "dumb");
}

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
using var cancellation = new CancellationTokenSource();
PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
PosixSignalRegistration[] registrations = [.. signals.Select(signal => PosixSignalRegistration.Create(signal, Stop))];
int exitCode = GumbelGanProgram.Run(args, ConsoleStreams.Open(cancellation.Token));
Array.ForEach(registrations, registration => registration.Dispose());
GC.KeepAlive(fillers);
return exitCode;

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    // A terminal that closes sends SIGHUP, and so does its shell a moment later: only the other two are a person's impatience.
    if (cancellation.IsCancellationRequested && signal.Signal != PosixSignal.SIGHUP)
    {
        Environment.Exit(ExitCode.Interrupted);
    }

    cancellation.Cancel();
}
