using System.Globalization;
using GumbelGan.Cli;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Cli;
using GumbelGan.Tokenization;
using GumbelGan.Training;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Runs;
using GumbelGan.Training.Watching;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace GumbelGan.Tests.Training;

/// <summary>The synthetic task of SeqGAN: a corpus of numbers from an oracle, sequences without an end, samples scored by the oracle.</summary>
public sealed class OracleRunTests : IDisposable
{
    private const int Numbers = 6, Length = 4;
    private readonly TemporaryRun _run = new();
    private readonly string _file;

    public OracleRunTests()
    {
        _file = Path.Combine(_run.Folder, "oracle.safetensors");
        const int Hidden = 5;
        SafetensorsFile.Write(
            _file,
            [
                Weights("embedding.weight", "embedding.weight", Numbers, Hidden), Weights("output.weight", "output.weight", Numbers, Hidden),
                Weights("output.bias", "output.bias", Numbers), Weights("lstm.weight_ih_l0", "cell0.weight_ih", 4 * Hidden, Hidden),
                Weights("lstm.weight_hh_l0", "cell0.weight_hh", 4 * Hidden, Hidden), Weights("lstm.bias_ih_l0", "cell0.bias_ih", 4 * Hidden),
                Weights("lstm.bias_hh_l0", "cell0.bias_hh", 4 * Hidden),
            ],
            new Dictionary<string, string> { ["start_token"] = "0", ["sequence_length"] = $"{Length}" });

        static SafetensorsEntry Weights(string name, string key, params long[] shape)
        {
            float[] values = new float[shape.Aggregate((product, size) => product * size)];
            RandomFill.Normal(new RandomKey(8).Derive(key), values);
            return SafetensorsEntry.Create<float>(name, shape, values);
        }
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void The_corpus_is_the_oracles_own_distribution_by_exact_enumeration()
    {
        const int Lines = 20_000;
        BuildCorpus(Lines);
        int[][] lines =
            [.. File.ReadLines(_run.Corpus).Select(line => line.Split(' ').Select(word => int.Parse(word, CultureInfo.InvariantCulture)).ToArray())];
        Assert.Equal(Lines, lines.Length);
        using LstmOracle oracle = LstmOracle.Load(_file);
        using DisposeScope scope = NewDisposeScope();
        int count = (int)Math.Pow(Numbers, Length);
        long[] all = [.. Enumerable.Range(0, count).SelectMany(i => new long[] { i % 6, i / 6 % 6, i / 36 % 6, i / 216 })];
        double[] nats = oracle.TokenNegativeLogLikelihood(tensor(all, [count, Length])).sum(1, type: ScalarType.Float64).data<double>().ToArray();
        double entropy = nats.Sum(value => Math.Exp(-value) * value);
        double deviation = Math.Sqrt(nats.Sum(value => Math.Exp(-value) * Math.Pow(value - entropy, 2)));

        using var judge = new OracleJudge(_file, Tokenizer(), SequenceFormat.FixedLength(Numbers, Length, 0));
        SplitLikelihood scored = judge.Score(lines);
        Assert.Equal((long)Lines * Length, scored.Tokens);
        Assert.InRange(scored.TotalNats / Lines, entropy - 4 * deviation / Math.Sqrt(Lines), entropy + 4 * deviation / Math.Sqrt(Lines));
        // Each sequence as often as its probability says, the hundred likeliest of them.
        Dictionary<string, int> counts = lines.GroupBy(ids => string.Join(' ', ids)).ToDictionary(group => group.Key, group => group.Count());
        foreach (int i in Enumerable.Range(0, count).OrderBy(i => nats[i]).Take(100))
        {
            double expected = Lines * Math.Exp(-nats[i]);
            int found = counts.GetValueOrDefault(string.Join(' ', all[(i * Length)..((i + 1) * Length)]));
            Assert.InRange(found, expected - 5 * Math.Sqrt(expected), expected + 5 * Math.Sqrt(expected));
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_lines_and_more_lines_begin_with_them()
    {
        BuildCorpus(300);
        string first = File.ReadAllText(_run.Corpus);
        BuildCorpus(300, "--seed", "0");
        Assert.Equal(first, File.ReadAllText(_run.Corpus));
        BuildCorpus(700);
        Assert.StartsWith(first, File.ReadAllText(_run.Corpus), StringComparison.Ordinal);
        BuildCorpus(300, "--seed", "1");
        Assert.NotEqual(first, File.ReadAllText(_run.Corpus));
    }

    [Fact]
    public void A_seed_is_an_oracle_of_the_published_sizes()
    {
        string corpus = Path.Combine(_run.Folder, "seed.txt");
        ProgramRun built = ProgramRun.Of("corpus", "build", "--oracle", "7", "--count", "3", "--output", corpus);
        Assert.Equal((0, ""), (built.ExitCode, built.Error));
        Assert.All(File.ReadLines(corpus), line => Assert.Equal(20, line.Split(' ').Length));
        using LstmOracle oracle = LstmOracle.Named("7");
        Assert.Equal(SequenceFormat.FixedLength(5000, 20, 0).ToString(), oracle.Format.ToString());
    }

    [Theory]
    [InlineData("gumbel", "cnn")]
    [InlineData("gumbel", "lstm")]
    [InlineData("reinforce", "cnn")]
    public void A_run_on_the_oracles_numbers_has_no_end_and_is_scored_at_each_evaluation(string objective, string discriminator)
    {
        BuildCorpus(400);
        RunConfig config = Config($"objective={objective}", $"discriminator.kind={discriminator}", $"data.oracle={_file}");
        _run.Train(config);
        double[] recorded =
            [.. File.ReadLines(Path.Combine(_run.Run, "metrics.jsonl")).Where(line => line.Contains("nll/oracle", StringComparison.Ordinal))
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("nll/oracle").GetDouble())];
        Assert.True(recorded.Length >= 3, $"{recorded.Length} evaluations");
        ProgramRun sampled = ProgramRun.Of("sample", _run.Run, "--count", "50");
        Assert.Equal(0, sampled.ExitCode);
        Assert.All(sampled.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), line =>
            Assert.All(line.Split(' ') is var words && words.Length == Length ? words : [],
                word => Assert.InRange(int.Parse(word, CultureInfo.InvariantCulture), 0, 5)));
        (IGenerator generator, TextTokenizer _, RunConfig _) = TrainingJob.Load(RunFolder.Open(_run.Run), RunFolder.Open(_run.Run).Latest());
        using (generator)
        {
            Assert.Equal(SequenceFormat.FixedLength(Numbers, Length, 0).ToString(), generator.Format.ToString());
        }
    }

    [Fact]
    public void An_evaluation_gives_both_likelihoods_as_a_curve_over_temperature_beside_the_oracles_own()
    {
        BuildCorpus(2000);
        _run.Train(Config("objective=mle", "pretraining.epochs=8", "pretraining.learning_rate=0.02"));
        ProgramRun run = ProgramRun.Of("evaluate", _run.Run, "--oracle", _file, "--temperatures", "0.3,1,3", "--count", "2000");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches("temperature +nll/test +nll/oracle +half-sum", run.Output);
        var evaluation = EvaluationDocument.Parse(File.ReadAllText(Path.Combine(_run.Run, EvaluationDocument.FileName)), "test");
        double[] oracle = [.. evaluation.Last!.Sweep.Select(point => point.Metrics["nll/oracle"]!.Value)];
        // Colder samples please the oracle more, and cost held-out likelihood.
        Assert.True(oracle[0] < oracle[1] && oracle[1] < oracle[2], string.Join(", ", oracle));
        Assert.True(evaluation.Last!.Sweep[1].Metrics["nll/test"] < evaluation.Last!.Sweep[0].Metrics["nll/test"]);
        Assert.Equal(evaluation.Last.Metrics["nll/oracle"]!.Value * Length, evaluation.Last.Metrics["nll/oracle_per_sequence"]!.Value, 1e-9);
        // The validation lines are the oracle's own: no model's samples at temperature 1 score better, but for noise.
        double own = evaluation.References["held_out"]["nll/oracle"]!.Value;
        Assert.True(own < oracle[1] + 0.1 && own > 0, $"{own}, {oracle[1]}");
        Assert.False(evaluation.References["held_out"].ContainsKey("nll/test"));
    }

    [Fact]
    public void Words_without_an_end_are_all_of_one_length_and_special_tokens_are_never_generated()
    {
        string[] words = ["a", "b", "c"];
        File.WriteAllLines(_run.Corpus, Enumerable.Range(0, 300).Select(i => $"{words[i % 3]} {words[i / 3 % 3]} {words[i / 9 % 3]}").Append("a b"));
        RunConfig config = _run.Config("objective=gumbel", "data.end=none", "data.minimum_tokens=3", "data.maximum_tokens=3",
            "data.validation_fraction=0.3", "data.test_fraction=0.3");
        _run.Train(config);
        (IGenerator generator, TextTokenizer tokenizer, RunConfig _) =
            TrainingJob.Load(RunFolder.Open(_run.Run), RunFolder.Open(_run.Run).Latest());
        using (generator)
        {
            generator.Temper(100);
            int[][] samples = [.. HardSamples.Draw(generator, 500, 1, new RandomKey(1))];
            Assert.All(samples, row => Assert.Equal(3, row.Length));
            // At a high temperature all that may be written is.
            Assert.Equal([tokenizer.UnknownId, .. words.Select(word => tokenizer.Vocabulary.Ids[word]).Order()],
                samples.SelectMany(row => row).Distinct().Order());
        }
    }

    [Theory]
    [InlineData("data.maximum_tokens=5", "set both to that length")]
    [InlineData("tokenizer.numbers=7", "tokenizer.numbers=6")]
    [InlineData("tokenizer.numbers=4", "not in the tokenizer's fixed vocabulary (whole numbers from 0 to 3)")]
    [InlineData("data.end=token", "data.end=none")]
    [InlineData("data.oracle=nowhere", "nowhere")]
    [InlineData("tokenizer.numbers=1", "there must be 2")]
    public void What_does_not_fit_the_oracle_is_told_before_training(string assignment, string says)
    {
        BuildCorpus(300);
        RunConfig config = Config($"data.oracle={_file}", assignment);
        Assert.Contains(says, Assert.Throws<UserMistakeException>(() => TrainingJob.Prepare(config)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("corpus build --output OUT", "name one of them")]
    [InlineData("corpus build some.grammar --oracle 7 --output OUT", "name one of them")]
    [InlineData("corpus build --oracle nowhere --output OUT", "nowhere")]
    public void A_corpus_comes_from_one_source(string arguments, string says)
    {
        ProgramRun run = ProgramRun.Of(arguments.Replace("OUT", _run.Corpus, StringComparison.Ordinal).Split(' '));
        Assert.Equal(ExitCode.UserMistake, run.ExitCode);
        Assert.Contains(says, run.Error, StringComparison.Ordinal);
    }

    /// <summary>LeakGAN's and RelGAN's tables print 5.750 to 5.752 for the oracle's own sequences.</summary>
    [Fact]
    public void The_classic_oracles_own_corpus_scores_its_published_entropy()
    {
        string path = Path.Combine(SourceTree.Root, "..", "shared", "oracles", "seqgan-oracle.safetensors");
        Assert.SkipUnless(File.Exists(path), "The classic oracle is not beside the project.");
        using LstmOracle oracle = LstmOracle.Load(path);
        using var judge =
            new OracleJudge(path, TextTokenizer.Train([], new TokenizerOptions { Kind = TokenizerKind.Number }), oracle.Format);
        SplitLikelihood scored = judge.Score([.. oracle.Sequences(5000, new RandomKey(3))]);
        Assert.InRange(scored.TotalNats / scored.Tokens, 5.72, 5.78);
    }

    private static TextTokenizer Tokenizer() =>
        TextTokenizer.Train([], new TokenizerOptions { Kind = TokenizerKind.Number, Numbers = Numbers });

    private void BuildCorpus(int lines, params string[] more) => Assert.Equal(0, ProgramRun.Of(
        ["corpus", "build", "--oracle", _file, "--count", $"{lines}", "--output", _run.Corpus, .. more]).ExitCode);

    private RunConfig Config(params string[] assignments) => _run.Config(
    [
        "tokenizer.kind=number", $"tokenizer.numbers={Numbers}", "data.end=none", $"data.minimum_tokens={Length}", $"data.maximum_tokens={Length}",
        .. assignments,
    ]);
}
