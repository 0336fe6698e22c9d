using System.Reflection;
using System.Text.RegularExpressions;
using GumbelGan.Discriminators;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Training.Losses;
using GumbelGan.Training.Objectives;
using GumbelGan.Training.Schedules;
using Xunit;

namespace GumbelGan.Tests;

/// <summary>
/// A kind is named in its own file and in its catalogue: neither its name in configurations, as text, nor the types that make it stand anywhere else
/// in the product. Comments are not read.
/// </summary>
public sealed partial class KindNameTests
{
    // Where a kind is named all the same, and why. An entry that nothing needs any more fails a test.
    private static readonly (string File, string Name, string Why)[] _allowed =
    [
        ("Generators/Oracle/LstmOracle.cs", "LstmGenerator", "the oracle is an LSTM by its definition (SeqGAN)"),
        ("Generators/Oracle/LstmOracle.cs", "LstmGeneratorOptions", "the same"),
        ("Training/Watching/FrozenLanguageModel.cs", "LstmGeneratorOptions", "the features of the Frechet distance are an LSTM's, by definition"),
        ("Generators/Relaxations/StraightThroughRelaxation.cs", "SoftRelaxation", "its gradient is defined as the soft one's"),
        ("Laboratory/DoublePrecision.cs", "LstmGenerator", "per-sequence gradients are written out for the LSTM"),
        ("Laboratory/ExactGame.cs", "LstmGenerator", "the same"),
        ("Laboratory/GradientSweep.cs", "LstmGenerator", "the same"),
        ("Laboratory/GradientSweep.cs", "LstmGeneratorOptions", "the same"),
        ("Laboratory/PerSequenceGenerator.cs", "LstmGenerator", "the same"),
        ("Laboratory/GradientSweep.cs", "\"reinforce\"", "the row of a table that is the score function without a baseline"),
        ("Laboratory/RunGradients.cs", "\"rloo\"", "the row of a table that is the reference's own estimator"),
        ("Laboratory/Output/GradientJson.cs", "\"cosine\"", "the angle between gradients, no schedule"),
        ("Laboratory/Output/GradientText.cs", "\"cosine\"", "the same"),
        ("Laboratory/GradientTable.cs", "\"cosine\"", "the same"),
        ("Laboratory/GradientSweep.cs", "\"length\"", "the length of sequences, no metric"),
        ("Laboratory/RunGradients.cs", "\"length\"", "the same"),
        ("Training/Benchmarking/BenchmarkOptions.cs", "\"length\"", "the same"),
        ("Training/Recording/StandardTags.cs", "\"token_entropy\"", "a histogram of the generator's own distribution, no metric of samples"),
        ("Training/Watching/InterimEvaluation.cs", "\"token_entropy\"", "the same"),
        ("Training/Watching/GameDiagnosis.cs", "\"soft\"", "the name of a random key"),
        ("Training/Configuration/RunConfig.cs", "ReinforceOptions", "the section of a configuration that holds its options"),
        ("Training/Configuration/RunConfig.cs", "MixtureOptions", "the same"),
        ("Training/Benchmarking/TrainingBenchmark.cs", "ReinforceOptions", "--rollouts sets an option of that section"),
        ("Training/Objectives/ReinforceRewards.cs", "ReinforceOptions", "a part of the objective, in a file of its own"),
        ("Training/Objectives/ScoreFunctionObjective.cs", "ReinforceOptions", "what all score functions share reads that section"),
        ("Evaluation/Metrics/SelfBleu.cs", "Bleu.", "self-BLEU is BLEU against the other samples"),
        ("Evaluation/Metrics/LengthDistribution.cs", "\"total_variation\"", "a number of this metric that has the other's name"),
        ("Evaluation/Metrics/LikelihoodDivergence.cs", "\"jensen_shannon\"", "the same"),
        ("Evaluation/Metrics/LikelihoodDivergence.cs", "\"kl_model_true\"", "the same"),
        ("Evaluation/Metrics/LikelihoodDivergence.cs", "\"kl_true_model\"", "the same"),
    ];

    // The primer teaches with two relaxations, by name, as a document does.
    private static readonly string[] _outside = ["Tests/", "Benchmarks/", "Primer/"];

    private static readonly Dictionary<string, (HashSet<string> Words, HashSet<string> Declared)> _sources = Read();

    private static readonly Kind[] _kinds =
    [
        .. Of("Generators/Relaxations/Relaxation.cs", Relaxation.All),
        .. Of("Generators/GeneratorKind.cs", GeneratorKind.All, kind => [kind.NewOptions().GetType(), Made(kind)]),
        .. Of("Discriminators/DiscriminatorKind.cs", DiscriminatorKind.All, kind => [kind.NewOptions().GetType(), Made(kind)]),
        .. Of("Training/Losses/GameLoss.cs", GameLoss.All),
        .. Of("Training/Objectives/ObjectiveKind.cs", ObjectiveKind.All, kind =>
            [.. typeof(ObjectiveKind).Assembly.GetTypes()
                .Where(type => string.Equals(type.Name, kind.Name + "Options", StringComparison.OrdinalIgnoreCase))]),
        .. Of("Training/Schedules/LearningRateSchedule.cs", LearningRateSchedule.All),
        .. MetricCatalogue.All.Select(metric => new Kind(metric.Key, "Evaluation/Metrics/MetricCatalogue.cs", [Owner(metric)])
        {
            Uses = [Owner(metric).Name + "."],
        }),
    ];

    [Fact]
    public void A_kind_is_named_in_its_own_file_and_its_catalogue_only()
    {
        (string File, string Name)[] found = [.. Found().Distinct()], allowed = [.. _allowed.Select(place => (place.File, place.Name))];
        Assert.True(!found.Except(allowed).Any(), $"Named outside: {string.Join(", ", found.Except(allowed))}.");
        Assert.True(!allowed.Except(found).Any(), $"Needs no exception any more: {string.Join(", ", allowed.Except(found))}.");
    }

    [Fact]
    public void Every_kind_has_a_type_that_is_declared_in_the_product() =>
        Assert.All(_kinds, kind => Assert.All(kind.Types, type => Assert.Contains(type.Name, _sources.Keys.Select(Path.GetFileNameWithoutExtension)
            .Concat(_sources.Values.SelectMany(source => source.Declared)))));

    private static IEnumerable<(string File, string Name)> Found() =>
        from source in _sources
        from kind in _kinds
        where source.Key != kind.Catalogue && !IsOwn(kind, source.Key)
        from name in kind.Uses.Append(Text(kind))
        where source.Value.Words.Contains(name) && !(name == Text(kind) && _kinds.Any(other => other.Name == kind.Name && IsOwn(other, source.Key)))
        select (source.Key, name);

    // A file that declares one of its types; and where a kind has a folder of its name, every file in it.
    private static bool IsOwn(Kind kind, string file) =>
        kind.Types.Any(type => _sources[file].Declared.Contains(type.Name))
        || string.Equals(Path.GetFileName(Path.GetDirectoryName(file)), kind.Name.Replace("_", "", StringComparison.Ordinal),
            StringComparison.OrdinalIgnoreCase);

    // The words and the texts of each file, and the types that it declares.
    private static Dictionary<string, (HashSet<string> Words, HashSet<string> Declared)> Read() =>
        SourceTree.Sources("*.cs").Where(file => !_outside.Any(folder => file.StartsWith(folder, StringComparison.Ordinal))).ToDictionary(
            file => file,
            file =>
            {
                string code = Comment().Replace(File.ReadAllText(Path.Combine(SourceTree.Root, file)), "");
                return (Word().Matches(code).Concat(Static().Matches(code)).Select(word => word.Value).ToHashSet(StringComparer.Ordinal),
                    Declaration().Matches(code).Select(declared => declared.Groups[1].Value).ToHashSet(StringComparer.Ordinal));
            });

    private static IEnumerable<Kind> Of<T>(string catalogue, IEnumerable<T> all, Func<T, Type[]>? further = null)
        where T : class, INamedKind =>
        all.Select(kind => new Kind(kind.Name, catalogue, [.. new[] { Owner(kind) }.Concat(further?.Invoke(kind) ?? []).Distinct()]));

    // The type that has the entry in a static field, and is not the catalogue.
    private static Type Owner<T>(T entry)
        where T : class =>
            typeof(T).Assembly.GetTypes().Concat(typeof(ObjectiveKind).Assembly.GetTypes()).First(type => !type.ContainsGenericParameters
            && type != typeof(T)
            && type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                .Any(field => field.FieldType == typeof(T) && ReferenceEquals(field.GetValue(null), entry)));

    private static Type Made(GeneratorKind kind)
    {
        using IGenerator made = kind.NewOptions().Sized(4, 4).Create(SequenceFormat.FixedLength(8, 8, 0), new RandomKey(1));
        return made.GetType();
    }

    private static Type Made(DiscriminatorKind kind)
    {
        using Discriminator made = kind.NewOptions().Sized(4, 4).Create(8, null, new RandomKey(1));
        return made.GetType();
    }

    // A comment to the end of its line; two slashes inside text follow a colon there.
    [GeneratedRegex("(?<!:)//.*")]
    private static partial Regex Comment();

    [GeneratedRegex("\"\\w+\"|\\w+")]
    private static partial Regex Word();

    [GeneratedRegex(@"(?<![.\w])[A-Z]\w+\.")]
    private static partial Regex Static();

    [GeneratedRegex(@"\b(?:class|record) (\w+)")]
    private static partial Regex Declaration();

    private static string Text(Kind kind) => $"\"{kind.Name}\"";

    /// <param name="Name">In configurations.</param>
    /// <param name="Catalogue">The file of the list.</param>
    /// <param name="Types">What makes it.</param>
    private sealed record Kind(string Name, string Catalogue, Type[] Types)
    {
        /// <summary>How code that uses a type looks: its name, or "Name." where other things have that name too.</summary>
        public IEnumerable<string> Uses { get; init; } = [.. Types.Select(type => type.Name)];
    }
}
