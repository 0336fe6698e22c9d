using System.Text.RegularExpressions;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Storage;
using GumbelGan.Tests.Training;
using GumbelGan.Training.Configuration;
using Xunit;

namespace GumbelGan.Tests.Extending;

/// <summary>The examples of docs/extending.md: compiled here, and run.</summary>
public sealed partial class ExtendingTests
{
    [Fact]
    public void Every_example_in_the_document_is_the_code_that_is_compiled_here()
    {
        string root = SourceTree.Root, document = File.ReadAllText(Path.Combine(root, "docs", "extending.md"));
        string[] examples = [.. Example().Matches(document).Select(match => match.Groups["code"].Value)];
        Assert.Equal(6, examples.Length);
        Assert.All(examples, code => Assert.Equal(
            File.ReadAllText(Path.Combine(root, "Tests", "Extending", $"{ClassName().Matches(code)[^1].Groups[1].Value}.cs")), code));
    }

    [Fact]
    public void A_run_with_a_relaxation_a_loss_two_networks_and_an_objective_of_ones_own_makes_its_steps()
    {
        using var run = new TemporaryRun();
        RunConfig config = run.Config("adversarial.steps=10", "adversarial.discriminator_warm_up_steps=2", "recording.every=1");
        run.Train(config with
        {
            Objective = AnchoredObjective.Kind,
            Adversarial = config.Adversarial with { Loss = LeastSquaresLoss.Entry, Relaxation = IdentityStraightThroughRelaxation.Entry },
            Generator = new GruGeneratorOptions { Embedding = 4, Hidden = 6 },
            Discriminator = new BagDiscriminatorOptions { Embedding = 4, Hidden = 5 },
        });
        MetricsRecord[] adversarial = [.. MetricsJournal.Read(Path.Combine(run.Run, "metrics.jsonl"))
            .Where(record => record.Phase == "adversarial" && record.Scalars.ContainsKey("loss/generator"))];
        Assert.Equal(10, adversarial.Length);
        Assert.All(adversarial, record => Assert.True(record.Scalars.ContainsKey("loss/mle") && record.Scalars.Values.All(double.IsFinite)));
        string written = File.ReadAllText(Path.Combine(run.Run, "config.yaml"));
        Assert.Contains("objective: anchored", written, StringComparison.Ordinal);
        Assert.Contains("kind: bag", written, StringComparison.Ordinal);
        Assert.Contains("kind: gru", written, StringComparison.Ordinal);
    }

    [Fact]
    public void A_metric_of_ones_own_is_computed_reported_and_left_out_where_it_does_not_apply()
    {
        var inputs = new MetricInputs { Generated = [[7, 8], [7, 9], [3], []] };
        IReadOnlyList<MetricResult> results = MetricCatalogue.Compute([.. MetricCatalogue.All, DistinctFirstWords.Entry], inputs);
        Assert.Equal(("diversity/distinct_first_words", 2 / 3.0), Assert.Single(results[^1].Tagged));
        Assert.Equal(2 / 3.0, MetricCatalogue.ToJson(results)["distinct_first_words"]!["value"]!.GetValue<double>());
        Assert.Empty(MetricCatalogue.Compute([DistinctFirstWords.Entry], inputs with { Generated = [[]] }));
    }

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();

    [GeneratedRegex(@"public (?:sealed |static )+(?:class|record) (\w+)")]
    private static partial Regex ClassName();
}
