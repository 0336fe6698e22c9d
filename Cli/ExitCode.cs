namespace GumbelGan.Cli;

/// <summary>What the program's exit code says; scripts rely on it.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>Failed while running.</summary>
    public const int Failed = 1;

    /// <summary>The user's mistake: one sentence on standard error says what to do.</summary>
    public const int UserMistake = 2;

    /// <summary>Interrupted by a signal (128 + SIGINT, as shells count).</summary>
    public const int Interrupted = 130;
}
