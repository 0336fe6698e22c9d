using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Metrics;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Watching;

/// <summary>
/// Measures a generator against the grammar that its corpus was drawn from. Where the language can be listed, divergences are exact sums and samples
/// are also judged by counts; where it cannot, divergences are means over strings drawn from either side.
/// </summary>
/// <remarks>A sample that was cut off before its end token is invalid, whatever its text. B batch, T time.</remarks>
public sealed class GrammarJudge
{
    private const int LargestListing = 50_000;
    private readonly Grammar _grammar;
    private readonly TextTokenizer _tokenizer;
    private readonly KnownDistribution<string>? _listed;
    private readonly string[] _strings;
    private readonly double[] _logTrue;

    /// <summary>Reads the grammar and draws the strings that stand for it.</summary>
    /// <param name="path">The grammar file.</param>
    /// <param name="tokenizer">The run's; it must give every string of the grammar back unchanged.</param>
    /// <param name="count">Strings to draw where they cannot all be listed.</param>
    /// <exception cref="UserMistakeException">The grammar is malformed, or the tokenizer changes its strings or cuts words into pieces.</exception>
    public GrammarJudge(string path, TextTokenizer tokenizer, int count)
    {
        (_grammar, _tokenizer) = (Grammar.Load(path), tokenizer);
        if (tokenizer is BytePairTokenizer)
        {
            throw new UserMistakeException(
                "A bpe or gpt2 tokenizer writes one string in many ways, so a grammar cannot judge its model's likelihoods; "
                + "leave --grammar out or train with tokenizer.kind word or char.");
        }

        if (Listing() is { } all)
        {
            _listed = KnownDistribution<string>.Of(all.Select(text => (text.Text, text.Probability)));
            _strings = [.. all.Select(text => text.Text)];
            _logTrue = [.. all.Select(text => Math.Log(text.Probability))];
        }
        else
        {
            // The same strings for every run: what differs between runs is then the runs alone.
            var random = new RandomStream(new RandomKey(0).Derive("grammar judge"));
            _strings = [.. Enumerable.Range(0, count).Select(_ => _grammar.Sample(random))];
            _logTrue = [.. _strings.Select(_grammar.LogProbability)];
        }

        string? changed = _strings.FirstOrDefault(text => !tokenizer.Encode(text)
            .Contains(tokenizer.UnknownId) && tokenizer.Decode(tokenizer.Encode(text)) != text);
        if (changed is not null)
        {
            throw new UserMistakeException($"The run's tokenizer turns '{changed}' into '{tokenizer.Decode(tokenizer.Encode(changed))}', so {path} "
                + $"is not the grammar of what it writes; {Remedy(tokenizer.Options)}.");
        }
    }

    /// <summary>Whether all strings are known, so that divergences by likelihoods need no samples.</summary>
    public bool IsListed => _listed is not null;

    /// <summary>Fresh strings of the grammar, as ids without an end: what a perfect model would write.</summary>
    /// <param name="count">How many.</param>
    /// <param name="key">Keys the draws.</param>
    public int[][] Draw(int count, RandomKey key)
    {
        var random = new RandomStream(key);
        return [.. Enumerable.Range(0, count).Select(_ => _tokenizer.Encode(_grammar.Sample(random)))];
    }

    /// <summary>Adds what can be said of any sequences: validity, and divergences by counts where the language can be listed.</summary>
    /// <param name="inputs">What else is known of them.</param>
    /// <param name="texts">The sequences, decoded; null for one without an end.</param>
    /// <param name="key">Keys the bootstrap; null leaves divergences by counts out.</param>
    public MetricInputs Judge(MetricInputs inputs, IReadOnlyList<string?> texts, RandomKey? key) => inputs with
    {
        Divergences = _listed is null || key is not { } bootstrap
            ? null : SampleDivergences.Estimate(_listed, texts.Select(text => text ?? "\0"), bootstrap),
        Validity = new SampleValidity(texts.Count(text => double.IsFinite(LogTrue(text))), texts.Count),
    };

    /// <summary>Divergences between the grammar and a generator, by likelihoods.</summary>
    /// <param name="generator">The model; its own temperature is 1.</param>
    /// <param name="ids">Its samples, each T long, padding after the end.</param>
    /// <param name="texts">The same, decoded; null for one without an end.</param>
    public LikelihoodDivergences Likelihoods(IGenerator generator, IReadOnlyList<int[]> ids, IReadOnlyList<string?> texts)
    {
        double[] logModel = LogModel(generator, [.. _strings.Select(text => Encoded(text, generator.Format))]);
        if (_listed is not null)
        {
            return LikelihoodDivergences.Exact([.. _logTrue.Select(Math.Exp)], logModel);
        }

        double[] ofSamples = LogModel(generator, ids);
        return LikelihoodDivergences.Estimate(
            [.. _logTrue.Zip(logModel)], [.. texts.Select((text, i) => (LogTrue(text), ofSamples[i]))]);
    }

    private static string Remedy(TokenizerOptions options) =>
        options.Lowercase ? "train with tokenizer.lowercase=false"
        : options is { Kind: TokenizerKind.Word, SplitPunctuation: true } ? "train with tokenizer.split_punctuation=false"
        : "leave --grammar out";

    private double LogTrue(string? text) => text is null ? double.NegativeInfinity : _grammar.LogProbability(text);

    private IReadOnlyList<GrammarString>? Listing()
    {
        try
        {
            return _grammar.Enumerate(LargestListing);
        }
        catch (UserMistakeException)
        {
            return null;
        }
    }

    // Null for what the generator cannot write: a word that it does not know, or more tokens than it ever writes.
    private int[]? Encoded(string text, SequenceFormat format)
    {
        int[] ids = [.. _tokenizer.Encode(text), _tokenizer.EndId];
        return ids.Length > format.Length || ids.Contains(_tokenizer.UnknownId) ? null : ids;
    }

    private static double[] LogModel(IGenerator generator, IReadOnlyList<int[]?> sequences)
    {
        using IDisposable off = no_grad();
        double[] result = new double[sequences.Count];
        Array.Fill(result, double.NegativeInfinity);
        int padding = generator.Format.PaddingId!.Value;
        foreach (int[] chunk in Enumerable.Range(0, sequences.Count)
            .Where(i => sequences[i] is not null).OrderBy(i => sequences[i]!.Length).Chunk(256))
        {
            using DisposeScope scope = NewDisposeScope();
            int time = chunk.Max(i => sequences[i]!.Length);
            long[] values =
                [.. chunk.SelectMany(i => sequences[i]!.Concat(Enumerable.Repeat(padding, time - sequences[i]!.Length)).Select(id => (long)id))];
            Tensor nll = generator.TokenNegativeLogLikelihood(tensor(values, [chunk.Length, time]).to(generator.Device)); // [B, T]
            double[] sums = nll.sum(1, type: ScalarType.Float64).cpu().data<double>().ToArray(); // [B]
            for (int row = 0; row < chunk.Length; row++)
            {
                result[chunk[row]] = -sums[row];
            }
        }

        return result;
    }
}
