using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace GumbelGan.Tests.Training;

/// <summary>The built program in a process of its own, as a user starts it, so that it can be sent signals.</summary>
internal sealed partial class ProgramProcess : IDisposable
{
    /// <summary>How long a test waits for what must happen, on a machine however busy.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly StringBuilder _error = new();

    private ProgramProcess(Process process) => _process = process;

    /// <summary>What it has said on standard error so far.</summary>
    public string Error
    {
        get
        {
            lock (_error)
            {
                return _error.ToString();
            }
        }
    }

    public bool HasEnded => _process.HasExited;

    public static string Program =>
        Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "GumbelGan.Cli.exe" : "GumbelGan.Cli");

    /// <summary>Runs a shell's script, in which "$@" is the program with its arguments, to its end.</summary>
    public static (int ExitCode, string Output, string Error) InShell(string script, params string[] arguments)
    {
        using Process shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script, "sh", Program, .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        Task<string> output = shell.StandardOutput.ReadToEndAsync(), error = shell.StandardError.ReadToEndAsync();
        if (!shell.WaitForExit(_patience))
        {
            shell.Kill(entireProcessTree: true);
            throw new TimeoutException($"{script} does not end with {string.Join(' ', arguments)}.");
        }

        return (shell.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Runs a script of the repository to its end.</summary>
    /// <param name="script">Its path.</param>
    /// <param name="arguments">What it is given.</param>
    public static (int ExitCode, string Output, string Error) OfScript(string script, params string[] arguments)
    {
        using Process shell = Process.Start(new ProcessStartInfo("/bin/bash", [script, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> output = shell.StandardOutput.ReadToEndAsync(), error = shell.StandardError.ReadToEndAsync();
        shell.WaitForExit();
        return (shell.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    public static ProgramProcess Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        var started = new ProgramProcess(Process.Start(start)!);
        started._process.ErrorDataReceived += (_, line) =>
        {
            lock (started._error)
            {
                started._error.AppendLine(line.Data);
            }
        };
        started._process.BeginErrorReadLine();
        started._process.OutputDataReceived += (_, _) => { };
        started._process.BeginOutputReadLine();
        return started;
    }

    /// <summary>Waits until <paramref name="holds"/>; false where the process ended first.</summary>
    public bool WaitUntil(Func<bool> holds)
    {
        for (var clock = Stopwatch.StartNew(); !holds(); Thread.Sleep(1))
        {
            if (HasEnded)
            {
                return holds();
            }

            if (clock.Elapsed > _patience)
            {
                throw new TimeoutException($"Nothing happened; the program said: {Error}");
            }
        }

        return true;
    }

    /// <summary>Waits for the end and returns the exit code.</summary>
    public int End()
    {
        if (!_process.WaitForExit(_patience))
        {
            throw new TimeoutException($"The program did not end; it said: {Error}");
        }

        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>SIGKILL: nothing in the process can answer it.</summary>
    public void Kill()
    {
        _process.Kill();
        End();
    }

    /// <summary>Sends a signal that the process may answer: HUP, INT or TERM.</summary>
    public void Signal(string name)
    {
        // Not by the program kill, which a machine with nothing but Debian's base does not have.
        if (SendSignal(_process.Id, name switch { "HUP" => 1, "INT" => 2, _ => 15 }) != 0)
        {
            throw new InvalidOperationException($"The signal {name} could not be sent: {Marshal.GetLastPInvokeErrorMessage()}.");
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
