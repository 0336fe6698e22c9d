namespace GumbelGan.Training.Configuration;

/// <summary>Finds what a mistyped name was probably meant to be.</summary>
public static class NearestName
{
    /// <summary>The candidate at the smallest edit distance from <paramref name="name"/> (the first of equals), or null if there is none.</summary>
    public static string? Among(IEnumerable<string> candidates, string name) =>
        candidates.MinBy(candidate => Unlikeness(name, candidate));

    /// <summary>
    /// How far <paramref name="candidate"/> is from what was meant by <paramref name="name"/>: the edit distance, but 1 if the name is a
    /// part of the candidate ("hidden" for "hidden_size": people shorten more often than they mistype six letters).
    /// </summary>
    public static int Unlikeness(string name, string candidate)
    {
        int distance = Distance(Shortened(name), candidate);
        return name.Length > 2 && candidate.Contains(name, StringComparison.Ordinal) ? Math.Min(distance, 1) : distance;
    }

    /// <summary>
    /// Optimal string alignment distance: insertions, deletions, substitutions and exchanges of neighbours, each at cost 1
    /// (Damerau 1964, in the restricted form in which no part is edited twice).
    /// </summary>
    public static int Distance(string a, string b)
    {
        int[] beforePrevious = new int[b.Length + 1];
        int[] previous = [.. Enumerable.Range(0, b.Length + 1)];
        int[] current = new int[b.Length + 1];
        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(substitution, Math.Min(previous[j], current[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    current[j] = Math.Min(current[j], beforePrevious[j - 2] + 1);
                }
            }

            (beforePrevious, previous, current) = (previous, current, beforePrevious);
        }

        return previous[b.Length];
    }

    // A name may come from a hostile file; no key of ours is anywhere near this long.
    private static string Shortened(string name) => name.Length <= 200 ? name : name[..200];
}
