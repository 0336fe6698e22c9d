using System.Text.Json.Nodes;
using GumbelGan.Tests.Training;
using GumbelGan.Training.Runs;
using Xunit;

namespace GumbelGan.Tests.Cli;

/// <summary>What <c>sample</c> writes, and <c>metrics --run</c> judges.</summary>
public sealed class SampleCommandTests : IDisposable
{
    private static readonly string[] _untrained = ["objective=mle", "pretraining.epochs=0", "adversarial.steps=1", "recording.bleu_samples=0"];

    private readonly TemporaryRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("A cat", "word", "tokenizer.lowercase=true")]
    [InlineData("a c", "char", "tokenizer.byte_fallback=true")]
    [InlineData("a woma", "bpe", "tokenizer.merges=20")]
    [InlineData("a \u00FCber-cat", "bpe", "tokenizer.merges=20")]
    [InlineData("a cat", "gpt2", "generator.hidden=3")]
    public void Every_line_begins_as_was_asked(string prefix, string kind, string assignment)
    {
        _run.Train(_run.Config([.. _untrained, $"tokenizer.kind={kind}", assignment]));
        string[] lines = Lines("--count", "30", "--prefix", prefix);
        Assert.All(lines, line => Assert.StartsWith(kind == "word" ? prefix.ToLowerInvariant() : prefix, line, StringComparison.Ordinal));
        Assert.True(lines.Distinct().Count() > 20, string.Join('\n', lines));
        Assert.Equal(Lines(), Lines("--prefix", ""));
    }

    [Fact]
    public void Sequences_without_an_end_are_completed_to_their_length()
    {
        File.WriteAllLines(_run.Corpus, Enumerable.Range(0, 200).Select(i => $"{i % 7} {i % 5} {i % 3} {i % 2}"));
        _run.Train(_run.Config([.. _untrained, "tokenizer.kind=number", "tokenizer.numbers=8", "data.end=none", "data.minimum_tokens=4",
            "data.maximum_tokens=4"]));
        Assert.All(Lines("--prefix", "6 0 2"), line => Assert.Matches("^6 0 2 [0-7]$", line));
        Assert.Equal("The number '8' in --prefix is not in the run's vocabulary; give whole numbers from 0 to 7.\n", Mistake("--prefix", "1 8"));
        Assert.Equal("--prefix has 4 tokens, and the run's sequences have at most 4; give a shorter one.\n", Mistake("--prefix", "1 2 3 4"));
    }

    [Fact]
    public void What_cannot_be_completed_is_one_sentence()
    {
        _run.Train(_run.Config([.. _untrained, "data.maximum_tokens=6"]));
        Assert.Equal("The word 'womann' in --prefix is not in the run's vocabulary; did you mean 'woman'?\n", Mistake("--prefix", "a womann"));
        Assert.Equal("The word 'xylophone' in --prefix is not in the run's vocabulary; choose what its training text has.\n",
            Mistake("--prefix", "a xylophone sits"));
        Assert.Equal("--prefix has 6 tokens, and the run's sequences have at most 6; give a shorter one.\n", Mistake("--prefix", "a a a a a a"));
        Assert.All(Lines("--prefix", "a a a a a"), line => Assert.StartsWith("a a a a a", line, StringComparison.Ordinal));

        // The end is no word: its spelling is three.
        Assert.Contains("is not in the run's vocabulary", Mistake("--prefix", "<end token>"));
        Assert.Equal("--start, --best and --checkpoint name different checkpoints; give one of them.\n", Mistake("--best", "--checkpoint", "000001"));
        Assert.Contains("has no averaged weights", Mistake("--weights", "average"));
        Assert.Contains("has no checkpoint 000400; name one of", Mistake("--checkpoint", "000400"));
        Assert.Equal(Lines("--count", "20"), Lines("--count", "20", "--checkpoint", "latest"));
        Directory.Delete(Path.Combine(_run.Run, "checkpoints"), recursive: true);
        Assert.Contains("has no checkpoint yet", Mistake("--checkpoint", "000400"));
    }

    [Fact]
    public void Top_1_is_one_line_over_and_over_and_fewer_tokens_make_fewer_lines()
    {
        _run.Train(_run.Config("objective=mle"));
        Assert.Single(Lines("--count", "50", "--top-k", "1").Distinct());
        Assert.Equal(Lines("--count", "50", "--top-k", "1"), Lines("--count", "50", "--top-p", "0.000001"));
        Assert.True(Lines("--count", "300", "--top-p", "0.5").Distinct().Count() < Lines("--count", "300").Distinct().Count());
        Assert.Contains("--top-p", Mistake("--top-p", "1.5"));
        Assert.Contains("--top-k", Mistake("--top-k", "-1"));
    }

    [Fact]
    public void Who_reads_one_line_of_endlessly_many_waits_for_no_more_than_a_batch()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There is no shell.");
        _run.Train(_run.Config(_untrained));
        (int exitCode, string output, string error) =
            ProgramProcess.InShell("{ \"$@\"; echo \"ended with $?\" >&2; } | head -n 3", "sample", _run.Run,
            "--count", "2000000000");
        Assert.Equal((0, "ended with 0\n"), (exitCode, error));
        Assert.Equal(Lines("--count", "3"), output.TrimEnd('\n').Split('\n'));

        // Batches change nothing.
        Assert.Equal(Lines("--count", "700")[..300], Lines("--count", "300"));
    }

    [Fact]
    public void Metrics_of_a_run_are_those_of_the_lines_that_sample_writes_and_name_how_they_are_drawn()
    {
        _run.Train(_run.Config("objective=mle"));
        string[] rule = ["--count", "60", "--seed", "4", "--temperature", "0.8", "--top-k", "5", "--top-p", "0.9", "--best"];
        string samples = Path.Combine(_run.Folder, "samples.txt");
        Assert.Equal(0, ProgramRun.Of(["sample", _run.Run, "--output", samples, .. rule]).ExitCode);
        JsonNode ofFile = Json("--generated", samples), ofRun = Json(["--run", _run.Run, .. rule]);
        Assert.Equal(ofFile["self_bleu"]!["4"]!.GetValue<double>(), ofRun["self_bleu"]!["4"]!.GetValue<double>());
        Assert.Equal(ofFile["self_bleu"]!["name"]!.GetValue<string>() + "; samples drawn with temperature 0.8, top-k 5, top-p 0.9",
            ofRun["self_bleu"]!["name"]!.GetValue<string>());
        JsonNode drawn = ofRun["samples"]!;
        Assert.Equal((60, 4, 0.8, 5, 0.9, RunFolder.Open(_run.Run).Best().State().Step), (drawn["count"]!.GetValue<int>(),
            drawn["seed"]!.GetValue<int>(), drawn["temperature"]!.GetValue<double>(), drawn["top_k"]!.GetValue<int>(),
            drawn["top_p"]!.GetValue<double>(), drawn["step"]!.GetValue<long>()));
        ProgramRun table = ProgramRun.Of(["metrics", "--reference", _run.Corpus, "--run", _run.Run, .. rule]);
        Assert.StartsWith($"60 samples of {_run.Run}, step {drawn["step"]}, seed 4, temperature 0.8, top-k 5, top-p 0.9\n", table.Output,
            StringComparison.Ordinal);
        const string Which = "Give the text to judge: either a file with --generated, or a run with --run.\n";
        Assert.Equal((2, Which), Told("metrics", "--reference", _run.Corpus));
        Assert.Equal((2, Which), Told("metrics", "--reference", _run.Corpus, "--run", _run.Run, "--generated", samples));
        const string Rule = "--generated is judged as it is written; how samples are drawn, and from which weights, goes with --run.\n";
        Assert.Equal((2, Rule), Told("metrics", "--reference", _run.Corpus, "--generated", samples, "--top-k", "3"));
        Assert.Equal((2, Rule), Told("metrics", "--reference", _run.Corpus, "--generated", samples, "--best"));
    }

    private JsonNode Json(params string[] words)
    {
        ProgramRun run = ProgramRun.Of(["metrics", "--reference", _run.Corpus, "--json", .. words]);
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonNode.Parse(run.Output)!;
    }

    private string[] Lines(params string[] words)
    {
        ProgramRun run = ProgramRun.Of(["sample", _run.Run, .. words]);
        Assert.True(run.ExitCode == 0, run.Error);
        return run.Output.TrimEnd('\n').Split('\n');
    }

    private string Mistake(params string[] words)
    {
        ProgramRun run = ProgramRun.Of(["sample", _run.Run, .. words]);
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        return run.Error;
    }

    private static (int ExitCode, string Error) Told(params string[] words)
    {
        ProgramRun run = ProgramRun.Of(words);
        return (run.ExitCode, run.Error);
    }
}
