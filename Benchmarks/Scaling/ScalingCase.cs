using GumbelGan.Benchmarks.Comparison;
using GumbelGan.Training.Benchmarking;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Benchmarks.Scaling;

/// <summary>A workload that ranks share.</summary>
/// <param name="Name">What and at which sizes.</param>
/// <param name="CommandLine">For <c>gumbelgan bench</c>.</param>
/// <param name="Settings">Configuration keys on top.</param>
/// <param name="Batch">Sequences of all ranks.</param>
/// <param name="Repeats">Timed repeats of one run.</param>
internal sealed record ScalingCase(string Name, string CommandLine, IReadOnlyList<string> Settings, int Batch, int Repeats)
{
    private static readonly string[] _sections = ["generator", "discriminator", "adversarial", "reinforce"];
    private static readonly string[] _own = ["adversarial.steps", "adversarial.batch_size", "adversarial.discriminator_batch_size"];

    /// <summary>Those that are measured with one and with two ranks.</summary>
    public static IReadOnlyList<ScalingCase> Measured =>
        [.. ComparisonCase.All.Where(one => one.CommandLine.StartsWith("iteration", StringComparison.Ordinal) && one.Name[0] < 'C'
                && !one.Name.EndsWith("CNN", StringComparison.Ordinal))
            .Select(one => new ScalingCase(one.Name, one.CommandLine, [], 64, one.Name[0] == 'A' ? 50 : 10))];

    /// <summary>Those that the model goes on with, recipes at their own sizes.</summary>
    public static IReadOnlyList<ScalingCase> Modelled =>
        [.. Measured,
            Of("captions", "iteration --vocab 304 --length 10", 64, 12), Of("relgan", "iteration --vocab 5000 --length 20", 64, 6)];

    /// <summary>The arguments for so many sequences.</summary>
    public string[] Arguments(int batch) =>
        ["bench", .. CommandLine.Split(' '), .. Settings.SelectMany(setting => new[] { "--set", setting }), "--json", "--repeats", $"{Repeats}",
            "--batch", $"{batch}"];

    /// <summary>What ranks exchange in an iteration.</summary>
    public IReadOnlyList<(long Bytes, int Times)> Exchanges()
    {
        string[] words = CommandLine.Split(' ');
        var options = new BenchmarkOptions
        {
            Subject = BenchmarkSubject.All.First(subject => subject.Name == words[0]),
            Vocabulary = Number("--vocab") ?? 0,
            Length = Number("--length") ?? 0,
            Batch = 2,
            Discriminator = Discriminators.DiscriminatorKind.All.First(kind => Word("--discriminator") is not { } name || kind.Name == name),
            Settings = [.. Settings.Select(ConfigurationAssignment.Parse)],
        };
        options = Number("--hidden") is { } hidden ? options with { Embedding = Number("--embedding")!.Value, Hidden = hidden } : options;
        using var benchmark = new TrainingBenchmark(options);
        return benchmark.Exchanges;

        string? Word(string option) => Array.IndexOf(words, option) is >= 0 and int at ? words[at + 1] : null;

        int? Number(string option) => Word(option) is { } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : null;
    }

    // A recipe's networks, game and estimator, as assignments.
    private static ScalingCase Of(string recipe, string commandLine, int batch, int repeats)
    {
        RunConfig config = ConfigurationReader.Read<RunConfig>([Recipes.Load(recipe)], []);
        string[] settings = [.. ConfigurationWriter.Flat(config)
            .Where(setting => _sections.Contains(setting.Key.Split('.')[0]) && !_own.Contains(setting.Key))
            .Select(setting => $"{setting.Key}={setting.Value}")];
        return new ScalingCase($"recipe {recipe}", commandLine, settings, batch, repeats);
    }
}
