using System.CommandLine;
using System.Globalization;

namespace GumbelGan.Cli;

/// <summary>
/// What a shell asks when the user presses the tabulator: <c>gumbelgan "[suggest:POSITION]" "COMMAND LINE"</c>, the protocol of System.CommandLine
/// and dotnet-suggest. The answer is one word a line.
/// </summary>
internal static class Completion
{
    private const string Start = "[suggest", End = "]";

    /// <summary>Whether <paramref name="args"/> are such a question.</summary>
    public static bool IsAsked(IReadOnlyList<string> args) => args is [{ } first, ..] && first.StartsWith(Start, StringComparison.Ordinal)
        && first.EndsWith(End, StringComparison.Ordinal);

    /// <summary>The words that may stand at the position.</summary>
    /// <param name="root">The program's commands.</param>
    /// <param name="args">The question; the line in it begins with the program's own name.</param>
    public static IEnumerable<string> Answer(Command root, IReadOnlyList<string> args)
    {
        string line = args.Count > 1 ? args[1] : "";
        string number = args[0][Start.Length..^End.Length].TrimStart(':');
        int position = int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int given)
            ? Math.Min(given, line.Length) : line.Length;
        // What stands behind the position says nothing about the word at it.
        line = line[..position];
        // System.CommandLine also offers what only contains the word, and a shell would put that in its place.
        string begun = line[(line.LastIndexOf(' ') + 1)..];
        return root.Parse(line).GetCompletions(position).Select(item => item.InsertText ?? item.Label).Distinct()
            .Where(word => word.StartsWith(begun, StringComparison.Ordinal));
    }
}
