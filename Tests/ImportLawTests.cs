using System.Xml.Linq;
using Xunit;

namespace GumbelGan.Tests;

/// <summary>Who may open whose door: the table in docs/architecture.md, and what the projects really reference.</summary>
public sealed class ImportLawTests
{
    private static readonly string _root = SourceTree.Root;

    [Fact]
    public void Every_room_references_exactly_the_rooms_that_the_table_of_the_architecture_grants_it()
    {
        Dictionary<string, string[]> granted = Table(), referenced = Projects();
        Assert.Equal(referenced.Keys.Order(), granted.Keys.Order());
        Assert.Empty(Breaches(granted, referenced));
    }

    [Fact]
    public void A_reference_more_or_less_in_any_room_breaks_the_law()
    {
        Dictionary<string, string[]> granted = Table();
        Assert.All(granted.Keys, room =>
        {
            string other = granted.Keys.First(name => name != room && !granted[room].Contains(name));
            var more = new Dictionary<string, string[]>(Projects()) { [room] = [.. granted[room].Append(other).Order()] };
            Assert.StartsWith($"{room} references", Assert.Single(Breaches(granted, more)), StringComparison.Ordinal);
        });
        var less = new Dictionary<string, string[]>(Projects()) { ["Cli"] = granted["Cli"][1..] };
        Assert.Single(Breaches(granted, less));
    }

    [Fact]
    public void References_are_not_passed_on() =>
        Assert.Contains("<DisableTransitiveProjectReferences>true<", File.ReadAllText(Path.Combine(_root, "Directory.Build.props")),
            StringComparison.Ordinal);

    [Fact]
    public void Generators_and_discriminators_do_not_know_each_other()
    {
        Dictionary<string, string[]> referenced = Projects();
        Assert.DoesNotContain("Discriminators", referenced["Generators"]);
        Assert.DoesNotContain("Generators", referenced["Discriminators"]);
    }

    private static IEnumerable<string> Breaches(Dictionary<string, string[]> granted, Dictionary<string, string[]> referenced) =>
        referenced.Where(room => !granted[room.Key].SequenceEqual(room.Value)).Select(room =>
            $"{room.Key} references {string.Join(", ", room.Value)}; the table grants {string.Join(", ", granted[room.Key])}.");

    // | `Kernels/` | the hot loops ... | Randomness, Storage, TorchSharp |
    private static Dictionary<string, string[]> Table()
    {
        string[] rooms = [.. Projects().Keys];
        return File.ReadLines(Path.Combine(_root, "docs", "architecture.md"))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('|'))
            .Where(cells => cells.Length == 5 && rooms.Contains(cells[1].Trim(' ', '`', '/')))
            .ToDictionary(cells => cells[1].Trim(' ', '`', '/'),
                cells => cells[3].Split(',', StringSplitOptions.TrimEntries).Where(rooms.Contains).Order().ToArray());
    }

    // Tests and benchmarks may use anything, and are used by none.
    private static Dictionary<string, string[]> Projects() => Directory.GetFiles(_root, "*.csproj", SearchOption.AllDirectories)
        .Where(path => Path.GetFileNameWithoutExtension(path) is not ("Tests" or "Benchmarks")
            && Path.GetDirectoryName(Path.GetDirectoryName(path)) == _root)
        .ToDictionary(
            path => Path.GetFileNameWithoutExtension(path),
            path => XDocument.Load(path).Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)).Order().ToArray());
}
