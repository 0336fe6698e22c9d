using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;
using TorchSharp;

namespace GumbelGan.Training.Runs;

/// <summary>What a run was made on and from: environment.json.</summary>
public sealed partial record RunEnvironment
{
    private static readonly JsonSerializerOptions _json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>The commit of the source, or null outside a checkout.</summary>
    public string? Commit { get; init; }

    /// <summary>The version of TorchSharp; null in folders that earlier versions of this program wrote.</summary>
    public string? TorchSharp { get; init; }

    /// <summary>The version of libtorch; null likewise.</summary>
    public string? Libtorch { get; init; }

    /// <summary>Threads of one operation.</summary>
    public required int Threads { get; init; }

    /// <summary>cpu or cuda.</summary>
    public required string Device { get; init; }

    /// <summary>The processor's architecture, the operating system, the .NET runtime.</summary>
    public required string Machine { get; init; }

    /// <summary>
    /// SHA-256 of the corpus file; of all hashes, where validation or test have files of their own (<see cref="CorpusReport.Identity"/>).
    /// </summary>
    public required string CorpusSha256 { get; init; }

    /// <summary>How many lines stand in two splits; null in folders that earlier versions of this program wrote.</summary>
    public SplitOverlap? Overlap { get; init; }

    /// <summary>SHA-256 of the vocabulary.</summary>
    public required string VocabularySha256 { get; init; }

    /// <summary>SHA-256 of all files of the tokenizer; null in folders that earlier versions of this program wrote.</summary>
    public string? TokenizerSha256 { get; init; }

    /// <summary>Number of tokens in the vocabulary.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Trained numbers in the generator.</summary>
    public required long GeneratorParameters { get; init; }

    /// <summary>Trained numbers in the discriminator.</summary>
    public required long DiscriminatorParameters { get; init; }

    /// <summary>SHA-256 of the generator weights that the run began with; null where they were random.</summary>
    public string? InitialWeightsSha256 { get; init; }

    /// <summary>What the run was lengthened by after its beginning, such as "adversarial.steps=500 at step 1000".</summary>
    public IReadOnlyList<string> Extensions { get; init; } = [];

    /// <summary>How the program was called.</summary>
    public required string CommandLine { get; init; }

    /// <summary>
    /// What must stay the same while a run goes on, by name: hashes of what is read, and the sections that decide which numbers mean what. Empty in
    /// folders of earlier versions.
    /// </summary>
    public IReadOnlyDictionary<string, string> Identity { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// The sections of <see cref="Identity"/> as they are where nothing is said: what an option was in a run of an earlier version, which had none.
    /// </summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, string> Defaults { get; init; } = new Dictionary<string, string>();

    /// <summary>Refuses to go on with a run as another one than it was begun as.</summary>
    /// <param name="now">What going on would be.</param>
    /// <param name="path">The run.</param>
    /// <exception cref="UserMistakeException">Something differs; the message names it.</exception>
    public void RefuseOther(RunEnvironment now, string path)
    {
        IEnumerable<(string Name, string Then, string Now)> compared = Identity.Count > 0
            ? Identity.Select(part => (part.Key, part.Value, now.Identity.GetValueOrDefault(part.Key, "nothing")))
            : [("corpus", CorpusSha256, now.CorpusSha256), ("vocabulary", VocabularySha256, now.VocabularySha256)];
        if (compared.FirstOrDefault(part => !now.Agrees(part.Name, part.Then, part.Now)) is { Name: { } name } other)
        {
            throw new UserMistakeException(
                $"The run in {path} was begun with another {name} ({other.Then}, now {other.Now}); put it back, or start a new run.");
        }
    }

    // Equal, or all that was said then is said now, and what else is said now is the default.
    private bool Agrees(string name, string then, string now) =>
        then == now || (Defaults.TryGetValue(name, out string? defaults) && !Options(then).Except(Options(now)).Any()
            && !Options(now).Except(Options(then)).Except(Options(defaults)).Any());

    // "a: 1, b: [2, 3]" is "a: 1" and "b: [2, 3]".
    private static string[] Options(string section) => BetweenOptions().Split(section);

    [GeneratedRegex(@", (?=\w+: )")]
    private static partial Regex BetweenOptions();

    /// <summary>The environment of this process.</summary>
    public static RunEnvironment Describe(RunConfig config, EncodedCorpus corpus, IGenerator generator, torch.nn.Module discriminator,
        string commandLine) => new()
        {
            Identity = new Dictionary<string, string>
            {
                ["corpus"] = corpus.Report.Sha256,
                ["vocabulary"] = corpus.Tokenizer.VocabularySha256,
                ["seed"] = config.Seed.ToString(CultureInfo.InvariantCulture),
                ["objective"] = config.Objective.Name,
                ["from"] = config.From,
                ["validation file"] = HashOf(corpus, CorpusSplit.Validation),
                ["test file"] = HashOf(corpus, CorpusSplit.Test),
                ["data"] = Section(config.Data with { Validation = "", Test = "", Grammar = "" }),
                ["generator"] = Section(config.Generator),
                ["discriminator"] = Section(config.Discriminator),
            },
            Defaults = new Dictionary<string, string>
            {
                ["data"] = Section(new CorpusOptions()),
                ["generator"] = Section(config.Generator.Kind.NewOptions()),
                ["discriminator"] = Section(config.Discriminator.Kind.NewOptions()),
            },
            Commit = FindCommit(),
            TorchSharp = EngineSettings.TorchSharpVersion,
            Libtorch = EngineSettings.LibtorchVersion,
            Threads = torch.get_num_threads(),
            Device = generator.Device.ToString(),
            Machine = $"{RuntimeInformation.ProcessArchitecture}, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}",
            CorpusSha256 = corpus.Report.Identity,
            Overlap = corpus.Report.Overlap,
            VocabularySha256 = corpus.Tokenizer.VocabularySha256,
            Vocabulary = corpus.Tokenizer.Vocabulary.Count,
            GeneratorParameters = generator.Module.parameters().Sum(parameter => parameter.numel()),
            DiscriminatorParameters = discriminator.parameters().Sum(parameter => parameter.numel()),
            CommandLine = commandLine,
        };

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="UserMistakeException">The file is missing or malformed.</exception>
    public static RunEnvironment Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<RunEnvironment>(File.ReadAllBytes(path), _json) ?? throw new JsonException("it is null");
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new UserMistakeException($"{path} cannot be read ({cause.Message.TrimEnd('.')}); train the run again.", cause);
        }
    }

    /// <summary>Writes it.</summary>
    public void Write(string path) => AtomicFile.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(this, _json));

    private static string HashOf(EncodedCorpus corpus, CorpusSplit split) =>
        corpus.Report.HeldOutFiles.FirstOrDefault(file => file.Split == split)?.Sha256 ?? "none";

    private static string Section(object options) =>
        string.Join(", ", ConfigurationWriter.Write(options).Split('\n', StringSplitOptions.RemoveEmptyEntries));

    // Read from the repository's own files: git may not be installed where the program runs.
    private static string? FindCommit()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string head = Path.Combine(folder.FullName, ".git", "HEAD");
            if (!File.Exists(head))
            {
                continue;
            }

            string content = File.ReadAllText(head).Trim();
            string reference = Path.Combine(folder.FullName, ".git", content.Replace("ref: ", "", StringComparison.Ordinal));
            return !content.StartsWith("ref: ", StringComparison.Ordinal) ? content : File.Exists(reference) ? File.ReadAllText(reference)
                .Trim() : null;
        }

        return null;
    }
}
