using System.Globalization;

namespace GumbelGan.Training.Collectives;

/// <summary>How many processors of a machine belong to one of the ranks that run on it, whether the launcher has bound them to some or not.</summary>
internal static class ProcessorShare
{
    /// <summary>More processors than Linux can be built for.</summary>
    public const int Most = 8192;

    private const int Decimals = 9;

    private const string Status = "/proc/self/status", Field = "Cpus_allowed_list:";

    /// <summary>The numbers of the processors that this process may run on; all that there are where the system does not tell.</summary>
    public static int[] Allowed() =>
        (File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal)) : null) is { } line
            ? [.. Parse(line[Field.Length..])] : [.. Enumerable.Range(0, Math.Min(Most, Environment.ProcessorCount))];

    /// <summary>The numbers of a list such as "0-3,8".</summary>
    public static IEnumerable<int> Parse(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .SelectMany(range =>
        {
            int[] ends = [.. range.Split('-').Select(number => int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture))];
            return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
        }).Where(number => number < Most);

    /// <summary>
    /// A rank's share: of each processor that it may use, one part in as many as may use it. A limit of processor time, as containers have, is shared
    /// by all ranks that run under it, which are taken to be those of the machine.
    /// </summary>
    /// <param name="allowed">The processors that the rank may run on.</param>
    /// <param name="users">By processor: how many of the machine's ranks may run on it.</param>
    /// <param name="limit">Processors that the runtime would use by itself, at most as many as are allowed.</param>
    /// <param name="ranks">Ranks on the machine.</param>
    public static double Of(IReadOnlyCollection<int> allowed, IReadOnlyList<double> users, int limit, int ranks)
    {
        // A sum of sixths may fall short of 1 by a rounding, which would cost a thread.
        double share = Math.Round(allowed.Sum(processor => 1 / users[processor]), Decimals);
        return limit < allowed.Count ? Math.Min(share, (double)limit / ranks) : share;
    }
}
