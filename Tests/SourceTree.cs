namespace GumbelGan.Tests;

/// <summary>The source that these tests were built from.</summary>
internal static class SourceTree
{
    /// <summary>The folder of GumbelGan.sln.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "GumbelGan.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run below the folder of GumbelGan.sln.");
    }
}
