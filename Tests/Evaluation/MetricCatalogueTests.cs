using System.Text.Json.Nodes;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Randomness;
using Xunit;

namespace GumbelGan.Tests.Evaluation;

public sealed class MetricCatalogueTests
{
    [Fact]
    public void Every_metric_is_reported_with_a_definition_and_its_sample_counts()
    {
        IReadOnlyList<MetricResult> results = MetricCatalogue.Compute(Complete());
        Assert.Equal(MetricCatalogue.All.Select(metric => metric.Key), results.Select(result => result.Metric.Key));
        JsonObject json = MetricCatalogue.ToJson(results);
        foreach (MetricResult result in results)
        {
            Assert.True(json[result.Metric.Key]!["definition"]!.GetValue<string>().Length > 30);
            Assert.Matches(@"\d", result.Name);
        }

        Assert.Contains("30 hypotheses, each against all 37 references; NLTK smoothing method 1", json["bleu"]!["name"]!.GetValue<string>());
        Assert.Contains("each against the other 29", json["self_bleu"]!["name"]!.GetValue<string>());
        Assert.Equal(["2", "3", "4", "5"], json["bleu"]!.AsObject().Select(entry => entry.Key).Take(4));
        Assert.Equal(2.5, json["nll"]!["test"]!.GetValue<double>());
        Assert.Equal(25, json["nll"]!["test_per_sequence"]!.GetValue<double>());
        Assert.Equal(2, json["validity"]!["interval"]!["value"]!.AsArray().Count);
        Assert.Null(json["kl_true_model"]!["value"]);
        Assert.Distinct(results.SelectMany(result => result.Tagged).Select(tagged => tagged.Tag));
        Assert.All(results.SelectMany(result => result.Tagged), tagged => Assert.NotNull(MetricCatalogue.ForTag(tagged.Tag)));
    }

    [Fact]
    public void Metrics_without_their_inputs_are_left_out()
    {
        IReadOnlyList<MetricResult> results = MetricCatalogue.Compute(new MetricInputs { Generated = [[1, 2]] });
        Assert.Equal(["unique_ngrams", "duplicates", "token_entropy", "repetition"], results.Select(result => result.Metric.Key));
        Assert.Throws<ArgumentException>(() => MetricCatalogue.Compute(new MetricInputs { Generated = [] }));
    }

    /// <summary>The likelihood is what training itself is about; every other metric is known to its file and the catalogue alone.</summary>
    [Fact]
    public void No_metric_is_named_outside_its_own_file()
    {
        string[] rooms = ["Cli", "Evaluation", "Training"];
        var sources = rooms.SelectMany(room => Directory.EnumerateFiles(Path.Combine(SourceTree.Root, room), "*.cs", SearchOption.AllDirectories))
            .Where(path => !path.Contains("/Metrics/", StringComparison.Ordinal) && !path.Contains("/obj/", StringComparison.Ordinal))
            .ToDictionary(path => path, path =>
                string.Join('\n', File.ReadLines(path).Where(line => !line.Contains("///", StringComparison.Ordinal))));
        foreach (MetricResult result in MetricCatalogue.Compute(Complete()).Where(result => result.Metric != NegativeLogLikelihood.Entry))
        {
            string[] names = [.. result.Tagged.Select(tagged => $"\"{tagged.Tag}\""), $"\"{result.Metric.Tag}/"];
            Assert.All(sources, source => Assert.DoesNotContain(names, name => source.Value.Contains(name, StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void What_is_shown_recorded_or_charted_of_a_metric_is_a_value_that_it_computes()
    {
        MetricInputs inputs = Complete();
        inputs = inputs with { Likelihoods = [.. inputs.Likelihoods, new("oracle", "generated text under the oracle", 50, 20, 2)] };
        var computed = MetricCatalogue.Compute(inputs).SelectMany(result => result.Tagged).Select(tagged => tagged.Tag).ToHashSet();
        Assert.All(MetricCatalogue.ShownTags.Concat(MetricCatalogue.TagsWhileTraining).Concat(MetricCatalogue.QualityTags)
            .Concat(MetricCatalogue.DiversityTags), tag => Assert.Contains(tag, computed));
        Assert.Equal(MetricCatalogue.TagsWhileTraining, MetricCatalogue.ComputeWhileTraining(inputs).Select(value => value.Tag));
    }

    internal static MetricInputs Complete() => new()
    {
        Generated = BleuTests.Corpus(2, 30, 3, 3),
        References = BleuTests.Corpus(102, 37, 3, 3),
        Training = BleuTests.Corpus(5, 10, 3, 3),
        Likelihoods = [new("test", "held-out test text under the model", 50, 20, 2)],
        GeneratedFeatures = new double[,] { { 1 }, { 2 } },
        ReferenceFeatures = new double[,] { { 1 }, { 3 } },
        Divergences = SampleDivergences.Estimate([0.5, 0.25, 0.25], [2, 1, 0], 1, new RandomKey(1), 20),
        LikelihoodDivergences = LikelihoodDivergences.Exact([0.5, 0.25, 0.25], [Math.Log(0.4), Math.Log(0.3), Math.Log(0.2)]),
    };
}
