using Xunit;

namespace GumbelGan.Tests;

/// <summary>What no analyser checks: how wide lines and how long files are.</summary>
public sealed class SourceStyleTests
{
    private const int Columns = 150, Lines = 350;

    [Fact]
    public void Every_line_fits() => Assert.All(Sources(), source => Assert.All(source.Lines, (line, number) =>
        Assert.True(line.Length <= Columns, $"{source.Path}:{number + 1} has {line.Length} columns.")));

    [Fact]
    public void A_long_file_of_the_product_says_why_it_is_long() =>
        Assert.All(Sources().Where(source => !source.Path.StartsWith("Tests", StringComparison.Ordinal) && source.Lines.Length > Lines), source =>
            Assert.True(source.Lines.Any(line => line.StartsWith("// Long because ", StringComparison.Ordinal)),
                $"{source.Path} has {source.Lines.Length} lines and no line '// Long because ...'."));

    private static IEnumerable<(string Path, string[] Lines)> Sources() =>
        SourceTree.Sources("*.cs").Select(path => (path, File.ReadAllLines(Path.Combine(SourceTree.Root, path))));
}
