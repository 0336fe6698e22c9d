using System.Globalization;

namespace GumbelGan.Training.Benchmarking;

/// <summary>Memory that is a process's own: resident and backed by no file, as Linux counts it (RssAnon).</summary>
public static class PrivateMemory
{
    private const string Field = "RssAnon:";

    /// <summary>
    /// Bytes of the process that /proc calls <paramref name="process"/>, its number or "self"; null where the system does not tell or it has ended.
    /// </summary>
    public static long? Of(string process)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
            return line is null ? null : 1024 * long.Parse(line.AsSpan(Field.Length).Trim("\tkB "), NumberStyles.None, CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
