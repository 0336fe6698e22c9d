namespace GumbelGan.Cli;

/// <summary>This program seen from outside: how to start it again, and who started it.</summary>
internal static class ThisProgram
{
    /// <summary>The command that starts it: an executable, and what stands before the arguments.</summary>
    public static IReadOnlyList<string> Command
    {
        get
        {
            string path = Path.Combine(AppContext.BaseDirectory, typeof(ThisProgram).Assembly.GetName().Name!);
            string executable = OperatingSystem.IsWindows() ? $"{path}.exe" : path;
            // A .NET tool has no executable of its own beside its assembly.
            return File.Exists(executable) ? [executable] : [Path.GetFileName(Environment.ProcessPath) is "dotnet" or "dotnet.exe"
                ? Environment.ProcessPath! : "dotnet", $"{path}.dll"];
        }
    }

    /// <summary>Cancels when standard input ends: whoever started this program holds the other end, and is done with it or gone.</summary>
    public static void WhenInputEnds(CancellationTokenSource cancellation)
    {
        var watcher = new Thread(() =>
        {
            using Stream input = Console.OpenStandardInput();
            while (input.ReadByte() >= 0)
            {
            }

            try
            {
                cancellation.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The run has ended first.
            }
        })
        { IsBackground = true, Name = "standard input" };
        watcher.Start();
    }
}
