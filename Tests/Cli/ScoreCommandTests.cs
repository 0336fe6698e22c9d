using System.Text.Json.Nodes;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Tests.Training;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class ScoreCommandTests : IDisposable
{
    private static readonly FinalEvaluationOptions _evaluation = new() { Count = 20, Temperatures = [1] };

    private readonly TemporaryRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("generator.layers=1")]
    [InlineData("generator.layers=2")]
    public void The_test_lines_score_what_evaluate_measures_on_them(string assignment)
    {
        RunConfig config = _run.Config("objective=gumbel", assignment);
        _run.Train(config);
        EvaluationDocument evaluated = FinalEvaluation.Evaluate(_run.Run, _evaluation, TestContext.Current.CancellationToken).Document;
        var corpus = EncodedCorpus.Read(_run.Corpus, TextTokenizer.Load(RunFolder.Open(_run.Run).Tokenizer), config.Data);
        string test = Path.Combine(_run.Folder, "test.txt");
        File.WriteAllLines(test, Enumerable.Range(0, corpus.Test.Count).Select(i => corpus.Tokenizer.Decode(corpus.Test[i])));
        AssertScores(evaluated.Last!, Score(test));
        AssertScores(evaluated.Selected!, Score(test, "--best"));
    }

    [Fact]
    public void A_test_file_of_its_own_scores_what_evaluate_measures_on_it_and_tells_what_is_left_out()
    {
        string test = Path.Combine(_run.Folder, "own.txt");
        File.WriteAllLines(test, ["a cat never was here", "", "cat", "a dog runs", "  ", "a a a a a a a a a", "a dog runs"]);
        _run.Train(_run.Config("objective=mle", $"data.test={test}", "data.test_fraction=0", "data.minimum_tokens=2", "data.maximum_tokens=8"));
        EvaluationDocument evaluated = FinalEvaluation.Evaluate(_run.Run, _evaluation, TestContext.Current.CancellationToken).Document;
        JsonNode score = Score(test);
        AssertScores(evaluated.Last!, score);
        Assert.Equal((2, 1, 1, 2), (Whole(score["left_out"]!["empty"]), Whole(score["left_out"]!["too_short"]), Whole(score["left_out"]!["too_long"]),
            Whole(score["unknown_tokens"])));
        JsonNode[] lines = [.. score["lines"]!.AsArray().Select(line => line!)];
        Assert.Equal([1, 4, 7], lines.Select(line => Whole(line["line"])));
        Assert.Equal("a cat \uFFFD \uFFFD here", lines[0]["text"]!.GetValue<string>());
        Assert.Equal([6, 4, 4], lines.Select(line => Whole(line["tokens"])));
        Assert.Equal(Real(lines[1]["nats"]), Real(lines[2]["nats"]));
        Assert.Equal(Real(score["total"]!["nats"]), lines.Sum(line => Real(line["nats"])), 1e-9);
        Assert.All(lines, line => Assert.Equal(Math.Exp(Real(line["nats"]) / Whole(line["tokens"])), Real(line["perplexity"]), 1e-9));

        ProgramRun table = ProgramRun.Of("score", _run.Run, test);
        Assert.Contains("Left out of 7 lines, as from the run's corpus: 2 empty, 1 too short, 1 too long.", table.Output);
        Assert.Contains("2 tokens are not in the run's vocabulary; each counts as the unknown token.", table.Output);
        Assert.Contains(FormattableString.Invariant($"{Real(score["total"]!["nats_per_token"]):F4} nats a token"), table.Output);
    }

    [Fact]
    public void The_probability_of_a_line_is_that_of_drawing_it()
    {
        _run.Train(_run.Config("objective=mle", "pretraining.epochs=3"));
        ProgramRun drawn = ProgramRun.Of("sample", _run.Run, "--count", "20000");
        (string line, int count) = drawn.Output.TrimEnd('\n').Split('\n').Where(text => text.Contains(' ', StringComparison.Ordinal))
            .CountBy(text => text).MaxBy(pair => pair.Value);
        string file = Path.Combine(_run.Folder, "line.txt");
        File.WriteAllLines(file, [line]);
        double probability = Math.Exp(-Real(Score(file)["total"]!["nats"])), deviation = Math.Sqrt(probability * (1 - probability) / 20000);
        Assert.InRange(count / 20000.0, probability - 5 * deviation, probability + 5 * deviation);
    }

    [Fact]
    public void A_file_without_such_lines_and_a_word_outside_a_fixed_vocabulary_are_the_users_mistake()
    {
        File.WriteAllLines(_run.Corpus, Enumerable.Range(0, 200).Select(i => $"{i % 7} {i % 5} {i % 3} {i % 2}"));
        _run.Train(_run.Config("objective=mle", "tokenizer.kind=number", "tokenizer.numbers=8", "data.end=none", "data.minimum_tokens=4",
            "data.maximum_tokens=4"));
        string file = Path.Combine(_run.Folder, "lines.txt");
        foreach ((string text, string expected) in new[]
        {
            ("1 2 3\n\n", "has no line of 4 to 4 tokens, as the run's data have"),
            ("1 2 3 9\n", "not in the tokenizer's fixed vocabulary (whole numbers from 0 to 7), 1 in all; leave their lines out."),
        })
        {
            File.WriteAllText(file, text);
            ProgramRun refused = ProgramRun.Of("score", _run.Run, file);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains(expected, refused.Error);
        }

        File.WriteAllText(file, "1 2 3 4\n");
        Assert.Equal(4, Whole(Score(file)["total"]!["tokens"]));
    }

    private JsonNode Score(string file, params string[] words)
    {
        ProgramRun run = ProgramRun.Of(["score", _run.Run, file, "--json", .. words]);
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonNode.Parse(run.Output)!;
    }

    private static void AssertScores(CheckpointMetrics evaluated, JsonNode score)
    {
        Assert.Equal(evaluated.Step, score["step"]!.GetValue<long>());
        Assert.Equal(evaluated.Metrics["nll/test"]!.Value, Real(score["total"]!["nats_per_token"]), 1e-9);
        Assert.Equal(evaluated.Metrics["nll/test_per_sequence"]!.Value, Real(score["total"]!["nats_per_sequence"]), 1e-9);
    }

    private static int Whole(JsonNode? node) => node!.GetValue<int>();

    private static double Real(JsonNode? node) => node!.GetValue<double>();
}
