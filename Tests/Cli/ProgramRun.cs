using GumbelGan.Cli;

namespace GumbelGan.Tests.Cli;

/// <summary>One run of the program in process: its exit code and all that it printed.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    public static ProgramRun Of(params string[] args)
    {
        var output = new StringWriter { NewLine = "\n" };
        var error = new StringWriter { NewLine = "\n" };
        int exitCode = GumbelGanProgram.Run(args, Surroundings.Of(output, error, CancellationToken.None));
        return new ProgramRun(exitCode, output.ToString(), error.ToString());
    }
}
