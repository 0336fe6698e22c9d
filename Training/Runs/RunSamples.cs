namespace GumbelGan.Training.Runs;

/// <summary>The sample files of a run.</summary>
public static class RunSamples
{
    /// <summary>The last samples written, with real lines to read beside them.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="count">At most how many of each.</param>
    public static (IReadOnlyList<string> Real, IReadOnlyList<string> Generated) ReadLatest(string folder, int count)
    {
        string samples = Path.Combine(folder, "samples");
        string? latest = Directory.Exists(samples) ? Directory.EnumerateFiles(samples, "*.txt")
            .Where(file => Path.GetFileName(file) != "real.txt").Max(StringComparer.Ordinal) : null;
        string real = Path.Combine(samples, "real.txt");
        return (File.Exists(real) ? [.. File.ReadLines(real).Take(count)] : [], latest is null ? [] : [.. File.ReadLines(latest).Take(count)]);
    }
}
