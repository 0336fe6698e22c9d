using System.Runtime.InteropServices;
using System.Text;
using GumbelGan.Cli;
using GumbelGan.Engine;

EngineSettings.ApplyEnvironment();
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
using var cancellation = new CancellationTokenSource();
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
return GumbelGanProgram.Run(args, Console.Out, Console.Error, cancellation.Token);

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    if (cancellation.IsCancellationRequested)
    {
        Environment.Exit(ExitCode.Interrupted);
    }

    cancellation.Cancel();
}
