using GumbelGan.Storage;

namespace GumbelGan.Cli.Printing;

/// <summary>Results that are one sequence a line: into a file, all or nothing, or on standard output as they come.</summary>
internal static class ResultLines
{
    /// <summary>Writes <paramref name="lines"/>.</summary>
    /// <param name="path">The file, or null for standard output.</param>
    /// <param name="surroundings">The output, and the signal to stop, which is heeded before each line.</param>
    /// <param name="lines">What to write.</param>
    /// <exception cref="UserMistakeException">The file cannot be written.</exception>
    public static void Write(string? path, Surroundings surroundings, IEnumerable<string> lines)
    {
        lines = surroundings.UntilCancelled(lines);
        if (path is null)
        {
            Write(surroundings.Output, lines);
            return;
        }

        AtomicFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            Write(writer, lines);
        });
    }

    private static void Write(TextWriter writer, IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            writer.WriteLine(line);
        }
    }
}
