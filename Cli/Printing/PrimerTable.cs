using System.Globalization;
using GumbelGan.Primer;

namespace GumbelGan.Cli.Printing;

/// <summary>What a chapter of <c>gumbelgan primer</c> measured: its title, the time it took, then its numbers.</summary>
internal static class PrimerTable
{
    public static void Write(Notebook notebook, TableWriter writer)
    {
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{notebook.Chapter.Name}: {notebook.Chapter.Title} ({notebook.Seconds:0.0} s)"));
        writer.WritePairs(notebook.Numbers.Select(
            number => ("  " + number.Key, number.Value.ToString("0.######", CultureInfo.InvariantCulture))));
    }
}
