using System.Globalization;
using GumbelGan.Discriminators;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Configuration;
using GumbelGan.Training.Recording;
using GumbelGan.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Watching;

/// <summary>What an evaluation found.</summary>
/// <param name="ValidationNll">Nats a token on the validation split.</param>
/// <param name="Scalars">Everything measured, under its tag.</param>
/// <param name="Real">Lines of the validation split.</param>
/// <param name="Generated">Decoded samples, from one fixed sampling seed.</param>
/// <param name="Samples">How many sequences were drawn.</param>
/// <param name="DistinctShare">The share of them that are distinct.</param>
/// <param name="Diagnosis">What the discriminator tells apart; null where there is none.</param>
public sealed record InterimResults(
    double ValidationNll, IReadOnlyList<(string Tag, double Value)> Scalars, IReadOnlyList<string> Real, IReadOnlyList<string> Generated, int Samples,
        double DistinctShare, GameDiagnosis? Diagnosis = null);

/// <summary>Measures a generator while it trains, on the validation split, and once at the end on the test split.</summary>
/// <param name="config">The run's.</param>
/// <param name="corpus">The run's.</param>
/// <param name="oracle">Scores the samples too; null where the corpus is not an oracle's.</param>
/// <param name="grammar">Adds validity and the Jensen-Shannon divergence; null where the corpus is not a grammar's.</param>
public sealed class InterimEvaluation(RunConfig config, EncodedCorpus corpus, OracleJudge? oracle = null, GrammarJudge? grammar = null)
{
    /// <summary>Strings drawn from either side where a grammar's language cannot be listed.</summary>
    internal const int GrammarStrings = 1000;

    /// <summary>What the tags of an estimate's 95% limits end with.</summary>
    public const string LowerSuffix = "/lower", UpperSuffix = "/upper";

    private readonly RandomKey _key = new RandomKey((ulong)config.Seed).Derive("evaluation");
    private readonly int[][] _references =
        [.. Enumerable.Range(0, corpus.Validation.Count).Select(i => Content(corpus.Validation[i].ToArray(), corpus.Tokenizer))];

    /// <summary>
    /// Validation NLL, the catalogue's metrics against the validation split, what the discriminator tells apart, samples and histograms; all
    /// recorded.
    /// </summary>
    public InterimResults Evaluate(IGenerator generator, RunFolder folder, RunRecorder recorder, TrainingState state, Phase phase, string recordedAs)
    {
        long step = state.Step;
        HeldOutLikelihood held = HeldOutLikelihood.Measure(generator, corpus.Validation);
        if (!double.IsFinite(held.PerToken))
        {
            throw new TrainingDivergedException(phase.Name, step, $"the validation NLL is {held.PerToken}", folder.LatestName());
        }

        var scalars = new List<(string Tag, double Value)> { ("nll/validation", held.PerToken) };
        int[][] ids = [.. HardSamples.Draw(generator, Math.Max(config.Recording.Samples, config.Recording.BleuSamples), 1, _key)];
        if (oracle?.Score(ids) is { } scored)
        {
            scalars.Add(("nll/oracle", scored.TotalNats / scored.Tokens));
        }

        if (config.Recording.BleuSamples > 1)
        {
            scalars.AddRange(MetricCatalogue.ComputeWhileTraining(new MetricInputs
            {
                Generated = [.. ids.Take(config.Recording.BleuSamples).Select(row => Content(row, corpus.Tokenizer))],
                References = _references,
                LikelihoodDivergences = grammar is null ? null : AgainstGrammar(grammar, generator),
            }).SelectMany(WithInterval));
        }

        GameDiagnosis? diagnosis = phase.Judge is { } judge ? Diagnose(generator, judge, phase, state) : null;
        scalars.AddRange(diagnosis?.Scalars ?? []);
        recorder.Scalars(step, recordedAs, scalars);
        string[] lines = [.. ids.Take(config.Recording.Samples).Select(row => SequenceLine.Of(corpus.Tokenizer.Decode(row)))];
        string[] real =
            [.. Enumerable.Range(0, Math.Min(lines.Length, corpus.Validation.Count))
                .Select(i => SequenceLine.Of(corpus.Tokenizer.Decode(corpus.Validation[i])))];
        AtomicFile.WriteAllText(folder.RealSamples, string.Concat(real.Select(line => line + "\n")));
        AtomicFile.WriteAllText(folder.Samples(step), string.Concat(lines.Select(line => line + "\n")));
        recorder.Text("samples", step, SamplesShown(real, lines, step));
        RecordHistograms(generator, recorder, step);
        double distinct = ids.Select(row => string.Join(' ', Content(row, corpus.Tokenizer)))
            .Distinct(StringComparer.Ordinal).Count() / (double)ids.Length;
        return new InterimResults(held.PerToken, scalars, real, lines, ids.Length, distinct, diagnosis);
    }

    /// <summary>The test split's NLL, once, for the last weights; without a test split the end is recorded alone.</summary>
    public void Finish(IGenerator generator, RunFolder folder, RunRecorder recorder, TrainingState state, ITrainingObserver observer)
    {
        if (corpus.Test.Count == 0)
        {
            recorder.Scalars(state.Step, Phase.Finished, []);
            recorder.EndSession(SessionOutcome.Success);
            observer.OnMessage($"The run in {folder.Path} is finished at step {state.Step}; no test text was held out, so there is no test NLL.");
            return;
        }

        HeldOutLikelihood test = HeldOutLikelihood.Measure(generator, corpus.Test);
        recorder.Scalars(state.Step, Phase.Finished, [("nll/test", test.PerToken)]);
        recorder.EndSession(SessionOutcome.Success);
        observer.OnMessage(string.Create(CultureInfo.InvariantCulture, $"Test NLL {test.PerToken:F4} nats a token ({test.PerSequence:F2} a "
            + $"sequence, {test.Sequences} sequences) at step {state.Step}; the run is in {folder.Path}."));
    }

    /// <summary>The share of relaxed tokens that are exactly one-hot in single precision: no gradient passes through those.</summary>
    /// <param name="generator">Draws a few sequences, by the default relaxation whatever the configuration.</param>
    /// <param name="temperature">Of the relaxation.</param>
    public double OneHotShare(IGenerator generator, double temperature)
    {
        const int Sequences = 16;
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        RelaxedSequences relaxed = generator.Relax(Sequences, temperature, Relaxation.Default, _key.Derive("one-hot"));
        Tensor oneHot = relaxed.OneHots.amax(-1).eq(1).to(ScalarType.Float32) * relaxed.Mask; // [B, T]
        return (oneHot.sum() / relaxed.Mask.sum()).item<float>();
    }

    /// <summary>The tokens of a sequence, without its end and what follows.</summary>
    public static int[] Content(int[] ids, TextTokenizer tokenizer)
    {
        int end = Array.IndexOf(ids, tokenizer.EndId);
        return end < 0 ? ids : ids[..end];
    }

    private static IEnumerable<(string Tag, double Value)> WithInterval((string Tag, double Value, ConfidenceInterval? Interval) measured) =>
        measured.Interval is { } interval
            ? [(measured.Tag, measured.Value), (measured.Tag + LowerSuffix, interval.Lower), (measured.Tag + UpperSuffix, interval.Upper)]
            : [(measured.Tag, measured.Value)];

    private GameDiagnosis Diagnose(IGenerator generator, Discriminator judge, Phase phase, TrainingState state) => GameDiagnosis.Measure(
        generator, judge, corpus.Validation, phase.IsRelaxed ? config.Adversarial.Relaxation : null,
            phase.TemperatureAt!(Math.Max(1, state.PhaseStep)), _key.Derive("diagnosis"));

    // Exact where the language can be listed (1,365 strings take about as long as ten training steps), else from as many strings of either side.
    private LikelihoodDivergences AgainstGrammar(GrammarJudge judge, IGenerator generator)
    {
        int[][] ids = judge.IsListed ? [] : [.. HardSamples.Draw(generator, GrammarStrings, 1, _key.Derive("grammar"))];
        string?[] texts = [.. ids.Select(row => row.Contains(corpus.Tokenizer.EndId) ? corpus.Tokenizer.Decode(row) : null)];
        return judge.Likelihoods(generator, ids, texts);
    }

    private void RecordHistograms(IGenerator generator, RunRecorder recorder, long step)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in generator.Module.named_parameters())
        {
            recorder.Histogram($"weights/{name}", step, parameter.detach().cpu().data<float>().ToArray());
        }

        int[] first = [.. Enumerable.Range(0, Math.Min(64, corpus.Validation.Count))];
        Tensor ids = SequenceBatch.ToTensor(corpus.Validation, first, corpus.Tokenizer.PaddingId).to(generator.Device); // [B, T]
        Tensor logProbabilities = generator.Logits(ids).log_softmax(-1); // [B, T, V]
        Tensor entropy = -(logProbabilities.exp() * logProbabilities).sum(-1); // [B, T]
        recorder.Histogram("token_entropy", step, entropy.masked_select(ids.ne(corpus.Tokenizer.PaddingId)).cpu().data<float>().ToArray());
    }

    // Two blocks and no table: in a table's cells TensorBoard would render what the samples hold of Markdown.
    private static string SamplesShown(string[] real, string[] generated, long step)
    {
        static string Block(string[] lines) => VerbatimText.Block(string.Join('\n', lines.Select(line => line.ReplaceLineEndings("\\n"))));
        return string.Create(CultureInfo.InvariantCulture,
            $"Step {step}, sampling temperature 1. Generated:\n\n{Block(generated)}\nReal, held out:\n\n{Block(real)}");
    }
}
