using System.Text.RegularExpressions;
using Xunit;

namespace GumbelGan.Tests;

/// <summary>What the documents point to is there.</summary>
public sealed partial class DocumentTests
{
    // Made by a build or a run.
    private static readonly string[] _made = ["runs", "bin", "artifacts", "node_modules"];

    private static readonly HashSet<string> _words =
        [.. SourceTree.Sources("*.cs").SelectMany(file => Word().Matches(File.ReadAllText(Full(file))).Select(word => word.Value))];

    public static TheoryData<string> Documents => [.. SourceTree.Sources("*.md")];

    [Theory]
    [MemberData(nameof(Documents))]
    public void A_link_to_a_file_and_a_path_from_the_root_lead_somewhere(string document)
    {
        string text = Fenced().Replace(File.ReadAllText(Full(document)), "");
        string folder = Path.GetDirectoryName(document)!;
        string[] links = [.. Link().Matches(text).Select(link => Path.Combine(folder, link.Groups[1].Value))];
        string[] paths = [.. Code().Matches(text).Select(code => code.Groups[1].Value).Where(IsPath)];
        Assert.Equal("", string.Join('\n', links.Concat(paths).Where(path => !File.Exists(Full(path)) && !Directory.Exists(Full(path)))));
    }

    [Fact]
    public void Every_type_and_member_that_the_architecture_names_is_in_the_source()
    {
        string text = Fenced().Replace(File.ReadAllText(Full("docs/architecture.md")), "");
        string[] names = [.. Code().Matches(text).Select(code => code.Groups[1].Value).Where(code => Name().IsMatch(code))];
        Assert.True(names.Length > 30, $"Only {names.Length} names were found.");
        Assert.Equal("", string.Join('\n', names.Where(name => !name.Split('.').All(_words.Contains))));
    }

    // Begins with a folder of the root and goes on below it; a pattern or a place to fill in is none.
    private static bool IsPath(string code)
    {
        string first = code.Split('/')[0];
        return code.Contains('/', StringComparison.Ordinal)
            && PathCharacters().IsMatch(code) && !_made.Contains(first) && Directory.Exists(Full(first));
    }

    private static string Full(string path) => Path.Combine(SourceTree.Root, path);

    [GeneratedRegex("^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fenced();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\((?!https?:|#|mailto:)([^)#\s]+)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^[\w.-]+(/[\w.-]+)*/?$")]
    private static partial Regex PathCharacters();

    [GeneratedRegex(@"^[A-Z]\w+(\.[A-Z]\w+)?$")]
    private static partial Regex Name();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();
}
