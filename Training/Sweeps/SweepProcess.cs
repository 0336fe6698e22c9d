using System.Diagnostics;
using System.Globalization;
using System.Text;
using GumbelGan.Storage;

namespace GumbelGan.Training.Sweeps;

/// <summary>One run in a process of its own: the same program with the worker's command line.</summary>
/// <remarks>
/// The child watches its standard input, which ends when this process asks it to stop or is no more, however it ended. So a terminal's Ctrl-C, which
/// goes to both, and the sweep's own request are not two signals, of which the second would end the child without a checkpoint.
/// </remarks>
internal sealed class SweepProcess : IDisposable
{
    /// <summary>Set for children, which then watch their standard input.</summary>
    public const string Variable = "GUMBELGAN_SWEEP_CHILD";

    private readonly Process _process;
    private readonly StreamWriter _log;
    private string _lastLine = "";

    private SweepProcess(Process process, StreamWriter log)
    {
        (_process, _log) = (process, log);
        _process.OutputDataReceived += (_, line) => Keep(line.Data, isError: false);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data, isError: true);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Its exit code, once it has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Why it ended so, in a sentence: the last that it said on standard error.</summary>
    public string Reason
    {
        get
        {
            _process.WaitForExit(); // and for all that it has said
            lock (_log)
            {
                return ExitCode > 128 && ExitCode != 130
                    ? string.Create(CultureInfo.InvariantCulture, $"Its process was killed by signal {ExitCode - 128}.")
                    : _lastLine.Length > 0 ? _lastLine : string.Create(CultureInfo.InvariantCulture, $"Its process ended with exit code {ExitCode}.");
            }
        }
    }

    /// <summary>Starts the program with these arguments; what it prints is added to the file <paramref name="log"/>.</summary>
    public static SweepProcess Start(IReadOnlyList<string> command, IReadOnlyList<string> arguments, string log, int threads)
    {
        StreamWriter writer;
        try
        {
            writer = new StreamWriter(log, append: true, new UTF8Encoding(false)) { AutoFlush = true };
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Explain(log, cause);
        }

        var start = new ProcessStartInfo(command[0], [.. command.Skip(1), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[Variable] = "1";
        // Two runs whose libraries each spin on every core are many times slower than two runs on a core each.
        start.Environment.TryAdd("OMP_NUM_THREADS", Math.Max(1, threads).ToString(CultureInfo.InvariantCulture));
        return new SweepProcess(Process.Start(start)!, writer);
    }

    /// <summary>Asks it to write a checkpoint and end.</summary>
    public void Stop()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_process.HasExited)
        {
            _process.WaitForExit();
        }

        _process.Dispose();
        lock (_log)
        {
            _log.Dispose();
        }
    }

    private void Keep(string? line, bool isError)
    {
        if (line is null)
        {
            return;
        }

        lock (_log)
        {
            if (_log.BaseStream is { CanWrite: true })
            {
                _log.WriteLine(line);
            }

            _lastLine = isError && line.Length > 0 && !line.StartsWith("Set GUMBELGAN_DEBUG", StringComparison.Ordinal) ? line : _lastLine;
        }
    }
}
