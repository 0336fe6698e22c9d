using GumbelGan.Randomness;
using GumbelGan.Tests.Training;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Acceptance;

/// <summary>A language learned by the game alone, without a likelihood step.</summary>
public sealed class AdversarialLearningTests
{
    private const string Language = "%join characters\n%maximum 9\n%tilt 1.75\nS -> S \"+\" S | S \"-\" S | \"x\"";

    [Fact]
    public void The_recipe_arithmetic_halves_the_exact_divergence_from_a_small_grammar()
    {
        using var run = new TemporaryRun();
        string grammar = Path.Combine(run.Folder, "small.grammar");
        File.WriteAllText(grammar, Language);
        var truth = Grammar.Parse(Language, "test");
        var random = new RandomStream(new RandomKey(1));
        File.WriteAllLines(run.Corpus, Enumerable.Range(0, 4000).Select(_ => truth.Sample(random)));

        (double before, double validBefore) = Train("untrained", 1);
        (double after, double validAfter) = Train("trained", 1000);
        Assert.InRange(before, 0.6, Math.Log(2));
        Assert.True(after < before / 2, $"The Jensen-Shannon divergence went from {before} to {after}.");
        Assert.True(validBefore < 0.2 && validAfter > 0.9, $"The grammar accepted {validBefore} of the samples, then {validAfter}.");

        // The divergence is exact: the likelihoods of all 31 strings.
        (double JensenShannon, double Validity) Train(string name, int steps)
        {
            // The recipe at a smaller size, for a smaller grammar.
            string[] smaller =
            [
                $"corpus={run.Corpus}", "threads=1", "generator.embedding=16", "generator.hidden=32", "discriminator.embedding=16",
                "discriminator.filters=16", "discriminator.filter_widths=[1, 2, 3]", "adversarial.discriminator_learning_rate=0.003",
                $"adversarial.steps={steps}", "recording.evaluate_every=500", "recording.checkpoint_every=500",
            ];
            RunConfig config = ConfigurationReader.Read<RunConfig>([Recipes.Load("arithmetic")], [.. smaller.Select(ConfigurationAssignment.Parse)]);
            string folder = Path.Combine(run.Folder, name);
            TemporaryRun.TrainInto(folder, config, new SilentTrainingObserver(), CancellationToken.None);
            IReadOnlyDictionary<string,
                double?> last = FinalEvaluation.Evaluate(folder, new FinalEvaluationOptions { Count = 500, Grammar = grammar, Temperatures = [1] },
                TestContext.Current.CancellationToken).Document.Last!.Metrics;
            return (last["likelihood_divergence/jensen_shannon"]!.Value, last["validity"]!.Value);
        }
    }
}
