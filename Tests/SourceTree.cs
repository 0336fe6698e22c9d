using System.Text.RegularExpressions;

namespace GumbelGan.Tests;

/// <summary>The source that these tests were built from.</summary>
internal static partial class SourceTree
{
    /// <summary>The folder of GumbelGan.sln.</summary>
    public static string Root { get; } = Find();

    /// <summary>Files of the source, by their paths from the root, with slashes; what is built or downloaded is none.</summary>
    /// <param name="pattern">For example "*.cs".</param>
    public static IEnumerable<string> Sources(string pattern) =>
        Directory.EnumerateFiles(Root, pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !Outside().IsMatch(path)).Order(StringComparer.Ordinal);

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "GumbelGan.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run below the folder of GumbelGan.sln.");
    }

    [GeneratedRegex(@"(^|/)(artifacts|bin|obj|node_modules|runs|\.[^/]*)/")]
    private static partial Regex Outside();
}
