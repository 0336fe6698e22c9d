using System.Globalization;
using System.Text.RegularExpressions;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Sweeps;

/// <summary>Expands the keys <c>list</c>, <c>grid</c> and <c>random</c> of a sweep file, whose product is what the sweep tries.</summary>
internal static partial class SweepSettings
{
    /// <summary>The most settings that are accepted: more are a mistake in the file.</summary>
    public const int Most = 100_000;

    // A folder's name may have 255 bytes; the seed and temporary endings follow.
    private const int LongestName = 120;

    // What the sweep itself sets.
    private static readonly string[] _reserved = ["seed", "label"];

    /// <summary>Named settings: <c>name: { key: value, section: { key: value } }</c>.</summary>
    public static IReadOnlyList<SweepSetting> List(ConfigurationNode node) =>
    [
        .. NotEmpty(Mapping(node, "list", "name: { key: value }")).Entries.Select(entry => new SweepSetting(
            NameOf(entry.Key),
                [.. entry.Value is ScalarNode { IsNull: true } ? [] : Flat(Mapping(entry.Value, $"list.{entry.Key.Text}", "key: value"), "")],
            true)),
    ];

    /// <summary>All combinations of <c>key: [values]</c>; the last key varies fastest.</summary>
    public static IReadOnlyList<SweepSetting> Grid(ConfigurationNode node)
    {
        MappingNode grid = Mapping(node, "grid", "key: [values]");
        IEnumerable<SweepSetting> settings = [SweepSetting.Base];
        foreach ((ScalarNode key, ConfigurationNode values) in grid.Entries)
        {
            SequenceNode list = List(values, $"grid.{key.Text}");
            SweepSetting[] axis = [.. list.Items.Select(value => Named(LeafOf(key.Text, grid), [.. Assignment(key, value)]))];
            settings = Product(settings, axis);
        }

        return [.. settings];
    }

    /// <summary>
    /// <c>draws: N</c> settings of <c>ranges:</c>, <c>key: { uniform: [low, high] }</c>, or log_uniform, integer (both ends included), choice.
    /// </summary>
    /// <remarks>
    /// Draw n of a key depends on the seed, the key and n alone: more draws keep the first ones, and another key moves none of this one's.
    /// </remarks>
    public static IReadOnlyList<SweepSetting> Random(ConfigurationNode node)
    {
        MappingNode random = Mapping(node, "random", "draws: 20 and ranges: { key: { uniform: [low, high] } }");
        var options = ConfigurationReader.ReadParsed<RandomOptions>(
            [random with { Entries = [.. random.Entries.Where(entry => entry.Key.Text != RandomOptions.RangesKey)] }], []);
        (_, ConfigurationNode? ranges) = random.Entries.FirstOrDefault(entry => entry.Key.Text == RandomOptions.RangesKey);
        if (ranges is null)
        {
            throw new UserMistakeException($"{random.Where}: random draws need ranges, for example "
                + "ranges: { adversarial.generator_learning_rate: { log_uniform: [1e-4, 1e-2] } }.");
        }

        (ScalarNode Key, SweepRange Range)[] drawn =
            [.. Mapping(ranges, "random.ranges",
                "key: { uniform: [low, high] }").Entries.Select(entry => (entry.Key, SweepRange.Of(entry.Key, entry.Value)))];
        RandomKey root = new RandomKey((ulong)options.Seed).Derive("sweep");
        int digits = Math.Max(2, options.Draws.ToString(CultureInfo.InvariantCulture).Length);
        return [.. Enumerable.Range(1, options.Draws).Select(draw => new SweepSetting(
            $"draw-{draw.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0')}",
            [.. drawn.SelectMany(
                axis => Assignment(axis.Key, axis.Range.Draw(new RandomStream(root.Derive(axis.Key.Text).Derive((ulong)draw)))))], false))];
    }

    /// <summary>Refuses to set for all runs what the settings vary, or what the sweep sets itself.</summary>
    /// <exception cref="UserMistakeException">It is one of these.</exception>
    public static void RefuseVaried(ConfigurationAssignment given, IEnumerable<SweepSetting> settings)
    {
        if (_reserved.Contains(given.Path) || settings.Any(setting => setting.Assignments.Any(assignment => assignment.Path == given.Path)))
        {
            throw new UserMistakeException($"{given.Origin}: the sweep varies '{given.Path}' itself; change the file.");
        }
    }

    /// <summary>Every pair, the second varying fastest.</summary>
    public static IReadOnlyList<SweepSetting> Product(IEnumerable<SweepSetting> first, IReadOnlyList<SweepSetting> second)
    {
        SweepSetting[] before = [.. first];
        return (long)before.Length * second.Count <= Most
            ? [.. from one in before from other in second select one.And(other)]
            : throw new UserMistakeException($"The sweep has more than {Most} settings; take values out of grid, or draw some with random.");
    }

    /// <summary>Refuses a key that two parts of a sweep file set: one value would win, under a name that tells of the other.</summary>
    /// <exception cref="UserMistakeException">There is one.</exception>
    public static void RefuseTwice(IEnumerable<SweepSetting> first, IEnumerable<SweepSetting> second)
    {
        var before = first.SelectMany(setting => setting.Assignments).DistinctBy(given => given.Path).ToDictionary(given => given.Path);
        if (second.SelectMany(setting => setting.Assignments).FirstOrDefault(given => before.ContainsKey(given.Path)) is { } again)
        {
            throw new UserMistakeException($"{again.Origin}: '{again.Path}' is set in another part of the file too ({before[again.Path].Origin}); "
                + "set it in one of list, grid and random.");
        }
    }

    private static MappingNode NotEmpty(MappingNode node) => node.Entries.Count > 0
        ? node : throw new UserMistakeException($"{node.Where}: 'list' is empty; give it a setting, name: {{ key: value }}, or leave it out.");

    /// <summary>The nodes of a mapping.</summary>
    /// <exception cref="UserMistakeException">It is none.</exception>
    public static MappingNode Mapping(ConfigurationNode node, string path, string example) => node as MappingNode
        ?? throw new UserMistakeException($"{node.Where}: '{path}' must hold lines such as {example}.");

    private static SequenceNode List(ConfigurationNode node, string path) => node is SequenceNode { Items.Count: > 0 } list
        ? list : throw new UserMistakeException($"{node.Where}: '{path}' must be a list of values, for example [1, 2].");

    /// <summary>Name and values of a grid's axis become a name such as <c>loss=hinge</c>.</summary>
    private static SweepSetting Named(string leaf, IReadOnlyList<ConfigurationAssignment> assignments) =>
        new($"{leaf}={string.Join('-', assignments.Select(assignment => Harmless(assignment.Value)))}", assignments, false);

    // The last word of a key, or all of it where two keys end alike; the kind of a section is known by the section.
    private static string LeafOf(string path, MappingNode grid)
    {
        string leaf = Leaf(path);
        return grid.Entries.Count(entry => Leaf(entry.Key.Text) == leaf) > 1 ? path : leaf;

        static string Leaf(string path) => path.EndsWith($".{ConfigurationProperty.KindKey}", StringComparison.Ordinal)
            ? Leaf(path[..path.LastIndexOf('.')]) : path[(path.LastIndexOf('.') + 1)..];
    }

    private static IEnumerable<ConfigurationAssignment> Flat(MappingNode section, string prefix) =>
        section.Entries.SelectMany(entry => Assignment(entry.Key with { Text = prefix + entry.Key.Text }, entry.Value));

    // What a key is given; a section gives each of its keys something.
    private static IEnumerable<ConfigurationAssignment> Assignment(ScalarNode key, ConfigurationNode value)
    {
        if (_reserved.Contains(key.Text))
        {
            throw new UserMistakeException(
                $"{key.Where}: the sweep sets '{key.Text}' itself; list seeds under 'seeds', and give settings names under "
                + "'list'.");
        }

        return value switch
        {
            ScalarNode scalar => [new ConfigurationAssignment(key.Text, scalar.Text, key.Where)],
            SequenceNode list => [new ConfigurationAssignment(key.Text, ListText(list, key.Text), key.Where)],
            _ => Flat((MappingNode)value, key.Text + "."),
        };
    }

    private static string ListText(SequenceNode list, string path) =>
        $"[{string.Join(", ", list.Items.Select(item => item is ScalarNode { Text: var text, IsPlain: var plain }
            ? plain ? text : ConfigurationWriter.Value(text)
            : throw new UserMistakeException($"{item.Where}: '{path}' must be a value or a list of values.")))}]";

    private static string NameOf(ScalarNode name) => Harmless(name.Text) == name.Text && name.Text.Length is > 0 and <= LongestName
        ? name.Text
        : throw new UserMistakeException(
            $"{name.Where}: '{ConfigurationText.Shown(name.Text)}' names folders, so write it with at most {LongestName} letters, "
            + "digits and the signs . _ + = -.");

    /// <summary>Names that are too long give way to numbers, and equal ones are refused.</summary>
    public static IReadOnlyList<SweepSetting> Distinct(IReadOnlyList<SweepSetting> settings, string file)
    {
        SweepSetting[] named = [.. settings.Select((setting, index) => setting.Name.Length <= LongestName
            ? setting : setting with { Name = string.Create(CultureInfo.InvariantCulture, $"setting-{index + 1:D4}") })];
        return named.GroupBy(setting => setting.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twice
            ? throw new UserMistakeException($"{file}: two settings would be called '{twice.Key}'; take one out, or name them under 'list'.")
            : named;
    }

    // As part of a file's name, on any system and unquoted in a shell.
    private static string Harmless(string text) => Others().Replace(text, "-").Trim('-') is { Length: > 0 } harmless ? harmless : "none";

    [GeneratedRegex(@"[^A-Za-z0-9._+=-]+")]
    private static partial Regex Others();
}
