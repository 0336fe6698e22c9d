using System.Globalization;

namespace GumbelGan.Training.Runs;

/// <summary>What a checkpoint's folder is called: its step, 000500, and where one step needed several, 000500-2 and so on.</summary>
internal static class CheckpointName
{
    /// <summary>What a checkpoint is called while it is being written.</summary>
    public const string HalfWritten = ".partial";

    /// <summary>The first checkpoint of a step.</summary>
    public static string Of(long step) => step.ToString("D6", CultureInfo.InvariantCulture);

    /// <summary>
    /// A name for another checkpoint of a step. One step needs two where a run goes on under a configuration with fewer steps than it has made.
    /// </summary>
    /// <param name="folder">Where checkpoints are.</param>
    /// <param name="step">The step.</param>
    public static string Free(string folder, long step)
    {
        string name = Of(step);
        for (char number = '2'; Directory.Exists(Path.Combine(folder, name)) && number <= '9'; number++)
        {
            name = $"{Of(step)}-{number}";
        }

        return name;
    }

    /// <summary>The step that a name tells.</summary>
    public static long StepOf(string name) => long.Parse(name.Split('-')[0], CultureInfo.InvariantCulture);

    /// <summary>Whether it names a checkpoint.</summary>
    public static bool IsOne(string name) =>
        name.Length is > 0 and < 22 && name.Split('-') is var parts && parts.Length <= 2 && parts[0].Length is > 0 and < 18
        && parts[0].All(char.IsAsciiDigit) && (parts.Length == 1 || parts[1] is [>= '2' and <= '9']);

    /// <summary>
    /// Whether it was written after <paramref name="latest"/>: the half-written folder, and a checkpoint that was named but never pointed to.
    /// </summary>
    public static bool IsBeyond(string name, string? latest) =>
        name == HalfWritten || (IsOne(name)
            && (latest is null || StepOf(name) > StepOf(latest) || (StepOf(name) == StepOf(latest) && string.CompareOrdinal(name, latest) > 0)));
}
