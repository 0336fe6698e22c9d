using System.Globalization;
using System.Runtime.InteropServices;

namespace GumbelGan.Training;

/// <summary>
/// The pages of shared libraries that a process has touched. Debian's libtorch draws in some three hundred libraries (OpenCV, Qt, GDAL ...), whose
/// symbol tables the loader reads and nobody reads again: two thirds of what is resident before training starts.
/// </summary>
public static unsafe partial class LoadedPages
{
    private const string Mappings = "/proc/self/smaps";
    private const int DontNeed = 4;

    /// <summary>
    /// Takes the pages of libraries out of this process that nobody has written to; they stay in the system's cache of files, and whichever is
    /// needed again comes back by itself, a microsecond each. On Linux; elsewhere nothing is done.
    /// </summary>
    /// <returns>Bytes that are no longer resident.</returns>
    public static long HandBack()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists(Mappings))
        {
            return 0;
        }

        long handedBack = 0;
        foreach (Mapping mapping in Read(File.ReadLines(Mappings)).Where(mapping => mapping.IsUntouchedLibrary))
        {
            handedBack += Advise(mapping.Start, mapping.Length, DontNeed) == 0 ? mapping.Resident : 0;
        }

        return handedBack;
    }

    /// <summary>What a file of the form of /proc/PID/smaps tells.</summary>
    internal static IEnumerable<Mapping> Read(IEnumerable<string> lines)
    {
        Mapping? mapping = null;
        foreach (string line in lines)
        {
            // "7f3c...-7f3c... r-xp 00001000 fe:00 131 /usr/lib/...", then lines of the form "Rss:   64 kB".
            int space = line.IndexOf(' ', StringComparison.Ordinal), dash = line.IndexOf('-', StringComparison.Ordinal);
            if (dash > 0 && dash < space)
            {
                if (mapping is { } finished)
                {
                    yield return finished;
                }

                nint start = nint.Parse(line.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                nint end = nint.Parse(line.AsSpan(dash + 1, space - dash - 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                int path = line.IndexOf('/', StringComparison.Ordinal);
                mapping = new Mapping(start, end - start, line.Substring(space + 1, 4), path < 0 ? "" : line[path..], 0, 0);
            }
            else if (mapping is { } current && line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                mapping = current with { Resident = Bytes(line) };
            }
            else if (mapping is { } last && line.StartsWith("Anonymous:", StringComparison.Ordinal))
            {
                mapping = last with { Written = Bytes(line) };
            }
        }

        if (mapping is { } final)
        {
            yield return final;
        }
    }

    private static long Bytes(string line) =>
        1024 * long.Parse(line.AsSpan(line.IndexOf(':', StringComparison.Ordinal) + 1).Trim("kB "), NumberStyles.None, CultureInfo.InvariantCulture);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nint length, int advice);

    /// <summary>One mapping of a process.</summary>
    /// <param name="Start">Its first address.</param>
    /// <param name="Length">Bytes.</param>
    /// <param name="Access">As r-xp: what may be done with it, and p where it is private.</param>
    /// <param name="Path">The file that it shows, or empty.</param>
    /// <param name="Resident">Bytes of it in memory.</param>
    /// <param name="Written">Bytes of it that differ from the file: those would be lost.</param>
    internal readonly record struct Mapping(nint Start, nint Length, string Access, string Path, long Resident, long Written)
    {
        /// <summary>Whether it is a part of a library that cannot be written to and never was: text and tables, but not what the loader has relocated.</summary>
        public bool IsUntouchedLibrary =>
            Access is "r--p" or "r-xp" && Written == 0 && Resident > 0 && Path.StartsWith('/') && (Path.EndsWith(".so", StringComparison.Ordinal) || Path.Contains(".so.", StringComparison.Ordinal));
    }
}
