using System.Globalization;
using System.Text;

namespace GumbelGan.Storage;

/// <summary>The sample files of a run: samples/STEP.txt, one sequence a line, and samples/real.txt to read beside them.</summary>
public static class RunSamples
{
    /// <summary>The folder's name in a run's folder, and the file of real lines in it.</summary>
    public const string FolderName = "samples", RealName = "real.txt";

    private const int LargestFile = 1 << 20;

    /// <summary>The steps whose samples are there, ascending.</summary>
    public static IReadOnlyList<long> Steps(string run)
    {
        string samples = Path.Combine(run, FolderName);
        return !Directory.Exists(samples) ? [] : [.. Directory.EnumerateFiles(samples, "*.txt").Select(file => Path.GetFileNameWithoutExtension(file))
            .Where(name => name.Length is > 0 and < 18 && name.All(char.IsAsciiDigit))
            .Select(name => long.Parse(name, CultureInfo.InvariantCulture)).Order()];
    }

    /// <summary>The name of the file of <paramref name="step"/>.</summary>
    public static string NameOf(long step) => string.Create(CultureInfo.InvariantCulture, $"{step:D6}.txt");

    /// <summary>At most <paramref name="count"/> lines generated at <paramref name="step"/>.</summary>
    /// <exception cref="UserMistakeException">The file cannot be read.</exception>
    public static IReadOnlyList<string> Read(string run, long step, int count) => Lines(Path.Combine(run, FolderName, NameOf(step)), count);

    /// <summary>At most <paramref name="count"/> real lines.</summary>
    /// <exception cref="UserMistakeException">The file cannot be read.</exception>
    public static IReadOnlyList<string> ReadReal(string run, int count) => Lines(Path.Combine(run, FolderName, RealName), count);

    /// <summary>The last samples written, with real lines to read beside them.</summary>
    /// <exception cref="UserMistakeException">A file cannot be read.</exception>
    public static (IReadOnlyList<string> Real, IReadOnlyList<string> Generated) ReadLatest(string run, int count) =>
        (ReadReal(run, count), Steps(run) is [.., var last] ? Read(run, last, count) : []);

    // No file that a run writes is longer; of one that is, the beginning is read.
    private static IReadOnlyList<string> Lines(string path, int count)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        try
        {
            using var reader = new StreamReader(path, new UTF8Encoding(false));
            char[] text = new char[LargestFile];
            string[] lines = new string(text, 0, reader.ReadBlock(text)).Split('\n');
            return [.. lines.Take(Math.Min(count, lines[^1].Length == 0 ? lines.Length - 1 : lines.Length))];
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new UserMistakeException($"{path} cannot be read ({cause.Message.TrimEnd('.')}); grant access to it.", cause);
        }
    }
}
