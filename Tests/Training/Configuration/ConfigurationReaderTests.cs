using GumbelGan.Storage;
using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Training.Configuration;

public sealed class ConfigurationReaderTests
{
    private const string Whole = """
        # every kind of value
        seed: 9007199254740993
        corpus: corpora/a b.txt
        title: "say: \"hi\""
        threads: 4
        histograms: false
        schedule: inverse_square_root
        generator:
          hidden_size: 64
          initial_temperature: 1e1
          final_temperature: .5
          layers: 2
        discriminator:
          filter_widths: [1, 2]
          betas:
            - 0
            - 1e-3
          names: [a, "b, c"]
          l2_penalty: 0
        """;

    [Fact]
    public void Every_kind_of_value_arrives_as_written()
    {
        SampleConfiguration read = Read(Whole);
        // 2^53 + 1 would be lost in a double.
        Assert.Equal(9007199254740993, read.Seed);
        Assert.Equal("corpora/a b.txt", read.Corpus);
        Assert.Equal("say: \"hi\"", read.Title);
        Assert.Equal(4, read.Threads);
        Assert.False(read.Histograms);
        Assert.Equal(SampleSchedule.InverseSquareRoot, read.Schedule);
        Assert.Equal(new SampleGeneratorConfiguration { HiddenSize = 64, InitialTemperature = 10, FinalTemperature = 0.5, Layers = 2 },
            read.Generator);
        Assert.Equal([1, 2], read.Discriminator.FilterWidths);
        Assert.Equal([0.0, 0.001], read.Discriminator.Betas);
        Assert.Equal(["a", "b, c"], read.Discriminator.Names);
        Assert.Equal(0.0, read.Discriminator.L2Penalty);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("# only a comment\n")]
    [InlineData("---\n...\n")]
    [InlineData("generator:\n")]
    [InlineData("\uFEFF")]
    public void A_file_that_says_nothing_gives_the_defaults(string yaml)
    {
        Assert.Equal(ConfigurationWriter.Write(new SampleConfiguration()), ConfigurationWriter.Write(Read(yaml)));
    }

    [Fact]
    public void Defaults_yield_to_layers_in_order_and_layers_yield_to_assignments()
    {
        ConfigurationLayer[] layers =
            [new("recipe", "seed: 2\nthreads: 2\ngenerator: {hidden_size: 20}"), new("file", "threads: 3\ngenerator: {layers: 3}")];
        ConfigurationAssignment[] assignments =
            [ConfigurationAssignment.Parse("generator.layers=4"), ConfigurationAssignment.Parse("generator.layers=5")];
        SampleConfiguration read = ConfigurationReader.Read<SampleConfiguration>(layers, assignments);
        Assert.Equal((2L, 3, 20, 5), (read.Seed, read.Threads, read.Generator.HiddenSize, read.Generator.Layers));
        Assert.Equal("no title", read.Title);
    }

    [Theory]
    [InlineData("generator.initial_temperature=1e2", "initial_temperature: 100.0")]
    [InlineData("discriminator.filter_widths=[7, 8]", "filter_widths: [7, 8]")]
    [InlineData("discriminator.names=[]", "names: []")]
    [InlineData("corpus=a=b: c # d", "corpus: \"a=b: c # d\"")]
    [InlineData("corpus=null", "corpus: null")]
    [InlineData("generator.layers=", "layers: null")]
    public void An_assignment_takes_its_value_as_typed(string assignment, string expected)
    {
        SampleConfiguration read = ConfigurationReader.Read<SampleConfiguration>([], [ConfigurationAssignment.Parse(assignment)]);
        Assert.Contains(expected, ConfigurationWriter.Write(read).Split('\n').Select(line => line.Trim()));
    }

    [Fact]
    public void Reading_leaves_shared_default_instances_as_they_were()
    {
        Read("shared: {hidden_size: 7}", out SharedDefaultConfiguration read);
        Assert.Equal(7, read.Shared.HiddenSize);
        Assert.Equal(32, SharedDefaultConfiguration.Common.HiddenSize);
    }

    [Theory]
    [InlineData("sead: 1", "file, line 1, column 1: there is no key 'sead'; did you mean 'seed'?")]
    [InlineData("seed: 1\n\ngenerator:\n  hiden_size: 3",
        "file, line 4, column 3: there is no key 'generator.hiden_size'; did you mean 'generator.hidden_size'?")]
    [InlineData("hidden_size: 3", "file, line 1, column 1: there is no key 'hidden_size'; did you mean 'generator.hidden_size'?")]
    [InlineData("discriminator: {initial_temperature: 3}",
        "there is no key 'discriminator.initial_temperature'; did you mean 'generator.initial_temperature'?")]
    [InlineData("Seed: 1", "there is no key 'Seed'; did you mean 'seed'?")]
    [InlineData("<<: {seed: 1}", "there is no key '<<'")]
    [InlineData("seed: 1\nthreads: 2\nseed: 3",
        "file, line 3, column 1: the key 'seed' was given before (file, line 1, column 1); keep one of them.")]
    [InlineData("generator: {layers: 1}\ngenerator: {hidden_size: 1}", "file, line 2, column 1: the key 'generator' was given before")]
    [InlineData("threads: two", "file, line 1, column 10: 'threads' must be a whole number, at least 0 and at most 1024, not 'two'.")]
    [InlineData("threads: 1025", "'threads' must be a whole number, at least 0 and at most 1024, not '1025'.")]
    [InlineData("threads: -1", "'threads' must be a whole number, at least 0 and at most 1024, not '-1'.")]
    [InlineData("threads: 2.0", "'threads' must be a whole number")]
    [InlineData("threads: \"2\"", "'threads' must be a whole number")]
    [InlineData("threads: 99999999999", "'threads' must be a whole number")]
    [InlineData("threads: [2]", "'threads' must be a whole number, at least 0 and at most 1024, not a list.")]
    [InlineData("threads: {a: 2}", "'threads' must be a whole number, at least 0 and at most 1024, not a section.")]
    [InlineData("threads: null", "'threads' must be a whole number")]
    [InlineData("title: null", "'title' must be text, not 'null'.")]
    [InlineData("histograms: yes", "'histograms' must be true or false, not 'yes'.")]
    [InlineData("schedule: RelGan", "'schedule' must be one of constant, rel_gan, inverse_square_root, not 'RelGan'.")]
    [InlineData("schedule: 1", "'schedule' must be one of")]
    [InlineData("generator: 3",
        "file, line 1, column 12: 'generator' is a section; write its keys (hidden_size, ...) indented on the lines below it.")]
    [InlineData("generator: {initial_temperature: 0}", "'generator.initial_temperature' must be a number, above 0 and at most 1000, not '0'.")]
    [InlineData("generator: {initial_temperature: .nan}", "'generator.initial_temperature' must be a number")]
    [InlineData("generator: {initial_temperature: NaN}", "'generator.initial_temperature' must be a number")]
    [InlineData("generator: {final_temperature: .inf}", "'generator.final_temperature' must be a number, above 0, not '.inf'.")]
    [InlineData("generator: {final_temperature: 1e999}", "'generator.final_temperature' must be a number, above 0, not '1e999'.")]
    [InlineData("generator: {final_temperature: 1,5}", "line 1, column")]
    [InlineData("generator: {layers: x}", "'generator.layers' must be a whole number, or null, not 'x'.")]
    [InlineData("discriminator: {filter_widths: 3}",
        "'discriminator.filter_widths' must be a list of whole numbers, at least 1 and at most 50, not '3'.")]
    [InlineData("discriminator: {filter_widths: [3, 51]}",
        "file, line 1, column 36: 'discriminator.filter_widths' must be a list of whole numbers, at least 1 and at most 50, not '51'.")]
    [InlineData("discriminator: {filter_widths: [[3]]}", "not a list inside a list.")]
    [InlineData("discriminator: {names: [null]}", "'discriminator.names' must be a list of text, not 'null'.")]
    [InlineData("- 1", "file, line 1, column 1: a configuration consists of 'key: value' lines.")]
    [InlineData("seed", "a configuration consists of 'key: value' lines.")]
    [InlineData("[a, b]: 3", "a key must be a single word.")]
    [InlineData("seed: 1\n---\nseed: 2", "a second document begins; keep one document in the file.")]
    [InlineData("seed: &a 1", "file, line 1, column 7: anchors (&name) are not accepted")]
    [InlineData("title: *a", "are not accepted")]
    [InlineData("seed: !!int 1", "tags (!name) are not accepted")]
    [InlineData("title: !<tag:yaml.org,2002:str> x", "tags (!name) are not accepted")]
    [InlineData("generator: !System.Object {}", "tags (!name) are not accepted")]
    [InlineData("seed: 1\n  bad: : indentation", "file, line 2, column")]
    [InlineData("title: \"open", "this is not valid YAML")]
    [InlineData("title: \"\u001B[31m\": x", "this is not valid YAML")]
    public void A_mistake_is_one_sentence_with_the_place_the_key_and_what_would_be_right(string yaml, string expected)
    {
        string message = Assert.Throws<UserMistakeException>(() => Read(yaml)).Message;
        Assert.Contains(expected, message);
        Assert.DoesNotContain('\n', message);
        Assert.DoesNotContain('\u001B', message);
    }

    [Theory]
    [InlineData("generator.hidden=3", "--set generator.hidden=3: there is no key 'generator.hidden'; did you mean 'generator.hidden_size'?")]
    [InlineData("hidden_size=3", "did you mean 'generator.hidden_size'?")]
    [InlineData("seed.x=3", "there is no key 'seed.x'")]
    [InlineData("generator=3", "'generator' is a section; set one of its keys, for example generator.hidden_size.")]
    [InlineData("threads=4096", "--set threads=4096: 'threads' must be a whole number, at least 0 and at most 1024, not '4096'.")]
    [InlineData("discriminator.filter_widths=3", "--set discriminator.filter_widths=3: write a list as [1, 2, 3].")]
    [InlineData("discriminator.filter_widths=[&a 1, *a]", "anchors (&name) are not accepted")]
    [InlineData("threads", "write it as key.path=value")]
    [InlineData("=3", "write it as key.path=value")]
    public void A_mistaken_assignment_is_named_as_typed(string assignment, string expected)
    {
        Assert.Contains(expected, Assert.Throws<UserMistakeException>(() =>
            ConfigurationReader.Read<SampleConfiguration>([], [ConfigurationAssignment.Parse(assignment)])).Message);
    }

    [Theory]
    [InlineData("generator:\n  layers: 2\n  hidden_size: 4", "'generator.layers' (file, line 2, column 11) and 'generator.hidden_size' (file, line "
        + "3, column 16): a deep generator needs at least 8 hidden units.")]
    [InlineData("generator: {final_temperature: 9}", "configuration: the temperature must fall.")]
    public void Fields_that_contradict_each_other_are_named_with_their_places(string yaml, string expected)
    {
        Assert.Equal(expected, Assert.Throws<UserMistakeException>(() => Read(yaml)).Message);
    }

    [Fact]
    public void A_billion_laughs_is_refused_at_its_first_anchor()
    {
        string yaml = "a: &a [x, x, x]\n"
            + string.Concat("bcdefghij".Select(letter => $"{letter}: &{letter} [*{(char)(letter - 1)}, *{(char)(letter - 1)}]\n"));
        Assert.Contains("line 1, column 4: anchors", Assert.Throws<UserMistakeException>(() => Read(yaml)).Message);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    [InlineData("? ")]
    public void A_megabyte_of_nesting_is_refused_without_deep_recursion(string bracket)
    {
        string yaml = string.Concat(Enumerable.Repeat(bracket, ConfigurationLayer.MaximumBytes / bracket.Length));
        Assert.Throws<UserMistakeException>(() => Read(yaml));
    }

    [Fact]
    public void Files_that_cannot_be_configurations_are_refused_in_one_sentence()
    {
        string folder = Directory.CreateTempSubdirectory("gumbelgan configuration ").FullName;
        try
        {
            string path = Path.Combine(folder, "config.yaml");
            Assert.Contains("does not exist", Mistake(path));
            Assert.Contains("is a folder", Mistake(folder));
            File.WriteAllBytes(path, [.. "seed: 1\ntitle: "u8, 0xC3, 0x28]);
            Assert.Equal($"{path}, line 2: the bytes are not valid UTF-8; save the file as UTF-8.", Mistake(path));
            File.WriteAllBytes(path, new byte[ConfigurationLayer.MaximumBytes + 1]);
            Assert.Contains("is larger than 1 MiB", Mistake(path));
            if (File.Exists("/dev/zero"))
            {
                Assert.Contains("is larger than 1 MiB", Mistake("/dev/zero"));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        static string Mistake(string path) => Assert.Throws<UserMistakeException>(() => ConfigurationReader.Read<SampleConfiguration>(path)).Message;
    }

    [Fact]
    public void Keys_are_listed_with_type_default_and_the_documentation_written_in_the_source()
    {
        IReadOnlyList<ConfigurationKey> keys = ConfigurationReader.Keys<SampleConfiguration>();
        Assert.Equal(
            ["seed", "corpus", "title", "threads", "histograms", "schedule", "generator.hidden_size", "generator.initial_temperature",
                "generator.final_temperature",
                "generator.layers", "discriminator.filter_widths", "discriminator.betas", "discriminator.names", "discriminator.l2_penalty"],
            keys.Select(key => key.Path));
        Assert.Equal(new ConfigurationKey("corpus", "text, or null", "null", "Text to learn, one sequence a line; see threads for speed."), keys[1]);
        Assert.Equal(new ConfigurationKey("threads", "whole number, at least 0 and at most 1024", "2", "Threads."), keys[3]);
        Assert.Equal(new ConfigurationKey("discriminator.l2_penalty", "number", "1.0e-05", "L2 penalty."), keys[^1]);
    }

    [Fact]
    public void A_record_with_a_property_that_yaml_cannot_give_is_our_mistake_and_says_which()
    {
        Assert.Contains("Culprit", Assert.Throws<InvalidOperationException>(() => Read("", out UnreadableConfiguration _)).Message);
    }

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "abc", 0)]
    [InlineData("abc", "acb", 1)]
    [InlineData("ca", "abc", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("", "abc", 3)]
    public void Edit_distance_counts_single_edits_and_neighbour_exchanges(string a, string b, int expected)
    {
        Assert.Equal(expected, NearestName.Distance(a, b));
        Assert.Equal(expected, NearestName.Distance(b, a));
    }

    private static SampleConfiguration Read(string yaml) => Read(yaml, out SampleConfiguration read);

    private static T Read<T>(string yaml, out T read)
        where T : class, new() => read = ConfigurationReader.Read<T>([new ConfigurationLayer("file", yaml.TrimStart('\uFEFF'))], []);

    public sealed record SharedDefaultConfiguration
    {
        public static SampleGeneratorConfiguration Common { get; } = new();

        public SampleGeneratorConfiguration Shared { get; init; } = Common;
    }

    public sealed record UnreadableConfiguration
    {
        public DateTime Culprit { get; init; }
    }
}
