using System.Globalization;
using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Training.Configuration;

/// <summary>What must hold of every recipe.</summary>
public sealed class RecipeTests
{
    public static TheoryData<string> Names => [.. Recipes.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void It_is_taken_by_a_dry_run(string recipe)
    {
        using var run = new TemporaryRun();
        ProgramRun result = ProgramRun.Of("train", "--recipe", recipe, "--corpus", Corpus(recipe, run), "--run", run.Run, "--dry-run");
        Assert.True(result.ExitCode == 0, result.Error);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_few_steps_of_it_at_small_sizes_end_with_finite_numbers(string recipe)
    {
        using var run = new TemporaryRun();
        RunConfig whole = Read(recipe);
        string[] small =
        [
            $"corpus={Corpus(recipe, run)}", "threads=1", "adversarial.steps=2", "adversarial.batch_size=6", "pretraining.batch_size=64",
            $"pretraining.epochs={Math.Min(1, whole.Pretraining.Epochs)}", "reinforce.roll_outs=2",
            $"adversarial.discriminator_steps={Math.Min(2, whole.Adversarial.DiscriminatorSteps)}",
            $"adversarial.discriminator_warm_up_steps={Math.Min(1, whole.Adversarial.DiscriminatorWarmUpSteps)}",
            "recording.every=1", "recording.evaluate_every=1", $"recording.bleu_samples={Math.Min(10, whole.Recording.BleuSamples)}",
            "generator.embedding=6", "discriminator.embedding=8",
            whole.Generator.Kind == RelationalMemoryGeneratorOptions.TheKind ? "generator.head_size=4" : "generator.hidden=8",
            .. whole.Discriminator switch
            {
                CnnDiscriminatorOptions => new[] { "discriminator.filters=4" },
                MultiRepresentationDiscriminatorOptions =>
                    ["discriminator.filters=4", "discriminator.hidden=5", "discriminator.representations=4"],
                _ => ["discriminator.hidden=6"],
            },
        ];
        TemporaryRun.TrainInto(run.Run, Read(recipe, small), new SilentTrainingObserver(), CancellationToken.None);
        IReadOnlyList<MetricsRecord> records = MetricsJournal.Read(Path.Combine(run.Run, "metrics.jsonl"));
        Assert.All(records.SelectMany(record => record.Scalars), scalar => Assert.True(double.IsFinite(scalar.Value), scalar.Key));
        Assert.Contains(records, record => record.Scalars.ContainsKey("loss/generator"));
    }

    private static RunConfig Read(string recipe, params string[] assignments) =>
        ConfigurationReader.Read<RunConfig>([Recipes.Load(recipe)], [.. assignments.Select(ConfigurationAssignment.Parse)]);

    // Lines that the recipe's tokenizer reads.
    private static string Corpus(string recipe, TemporaryRun run)
    {
        var random = new RandomStream(new RandomKey(7));
        Func<int, string>? line = Read(recipe).Tokenizer.Kind switch
        {
            TokenizerKind.Number =>
                _ => string.Join(' ', Enumerable.Range(0, 20).Select(_ => random.NextInt32(5000).ToString(CultureInfo.InvariantCulture))),
            TokenizerKind.Char => number => "x" + string.Concat(Enumerable.Range(0, number % 6).Select(_ => "+-*/"[random.NextInt32(4)] + "x")),
            TokenizerKind.Word => number => string.Join(' ', Enumerable.Range(0, 3 + number % 12).Select(_ => "abcdefgh"[random.NextInt32(8)])),
            _ => null,
        };
        if (line is null)
        {
            return run.Corpus;
        }

        string path = Path.Combine(run.Folder, "lines.txt");
        File.WriteAllLines(path, Enumerable.Range(0, 2000).Select(line));
        return path;
    }
}
