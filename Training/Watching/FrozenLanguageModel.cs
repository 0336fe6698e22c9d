using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using GumbelGan.Engine;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using GumbelGan.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Watching;

/// <summary>
/// The language model whose hidden states are the features of the Frechet distance: an LSTM of 64 units, trained by maximum likelihood on the
/// training split alone, always from the same seed, for the same 600 batches of 64. A sequence's features are the mean of its hidden states.
/// </summary>
/// <remarks>
/// The same corpus, vocabulary and options give the same model on one machine; another thread count may change last digits, so runs that compare
/// share the file. B batch, T time, H hidden.
/// </remarks>
public sealed class FrozenLanguageModel : IDisposable
{
    // Raised with every change of how weights are drawn or trained.
    private const int WeightsVersion = 2;
    private const int Steps = 600, BatchSize = 64;
    private const double LearningRate = 5e-3, ClipNorm = 5;
    private static readonly LstmGeneratorOptions _options = new() { Embedding = 32, Hidden = 64 };
    private readonly IGenerator _model;

    private FrozenLanguageModel(IGenerator model) => _model = model;

    /// <summary>
    /// The model of <paramref name="corpus"/>: read from <paramref name="folder"/>, or trained and written there under a name made of hashes.
    /// </summary>
    /// <exception cref="UserMistakeException">The folder cannot be written, or a file in it is damaged.</exception>
    public static FrozenLanguageModel For(EncodedCorpus corpus, CorpusOptions options, string folder)
    {
        IGenerator model = _options.Create(TrainingJob.FormatOf(corpus), new RandomKey(0).Derive("frozen language model"));
        string path = Path.Combine(folder, $"{Identity(corpus, options)}.safetensors");
        if (File.Exists(path))
        {
            ModuleWeights.Load(model.Module, SafetensorsFile.Read(path));
        }
        else
        {
            Train(model, corpus);
            Directory.CreateDirectory(folder);
            SafetensorsFile.Write(path, ModuleWeights.Entries(model.Module));
        }

        return new FrozenLanguageModel(model);
    }

    /// <summary>A hash of everything that the weights depend on, but for the last digits that another processor may give.</summary>
    internal static string Identity(EncodedCorpus corpus, CorpusOptions options)
    {
        object[] parts =
        [
            corpus.Report.Identity, corpus.Tokenizer.VocabularySha256, options.MinimumTokens, options.MaximumTokens, options.ValidationFraction,
                options.TestFraction, options.SplitSeed,
            _options, Steps, BatchSize, LearningRate, ClipNorm, WeightsVersion, EngineSettings.LibtorchVersion,
            .. options.End == SequenceEnd.None ? (object[])["no end"] : [],
            .. options.Split == SplitKind.Occurrences ? (object[])["occurrences"] : [],
        ];
        string description = string.Join('|', parts.Select(part => Convert.ToString(part, CultureInfo.InvariantCulture)));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(description)))[..32];
    }

    /// <summary>The features of sequences.</summary>
    /// <param name="sequences">Token ids, without end and padding; an empty sequence is judged by its end token alone.</param>
    /// <returns>[N, H].</returns>
    public double[,] Features(IReadOnlyList<int[]> sequences)
    {
        using IDisposable off = no_grad();
        double[,] features = new double[sequences.Count, _options.Hidden];
        int done = 0;
        foreach (int[][] chunk in sequences.Chunk(256))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor ids = Padded(chunk); // [B, T]
            Tensor mask = _model.Format.PaddingId is { } padding
                ? ids.ne(padding).to(ScalarType.Float32) : ones(ids.shape); // [B, T]
            Tensor mean = (_model.HiddenStates(ids) * mask.unsqueeze(2)).sum([1]) / mask.sum(1, true); // [B, H]
            float[] values = mean.cpu().data<float>().ToArray();
            for (int i = 0; i < values.Length; i++)
            {
                features[done + i / _options.Hidden, i % _options.Hidden] = values[i];
            }

            done += chunk.Length;
        }

        return features;
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();

    // The end token, if there is one, stands at the end of each, as the model learned them; place t of the hidden states has read what stands before
    // t.
    private Tensor Padded(int[][] sequences)
    {
        int time = sequences.Max(sequence => sequence.Length) + (_model.Format.EndId is null ? 0 : 1);
        long[] values = new long[sequences.Length * time];
        Array.Fill(values, _model.Format.PaddingId ?? 0);
        for (int row = 0; row < sequences.Length; row++)
        {
            for (int t = 0; t < sequences[row].Length; t++)
            {
                values[row * time + t] = sequences[row][t];
            }

            if (_model.Format.EndId is { } end)
            {
                values[row * time + sequences[row].Length] = end;
            }
        }

        return tensor(values, [sequences.Length, time]);
    }

    private static void Train(IGenerator model, EncodedCorpus corpus)
    {
        var batches =
            new BatchSource(corpus.Train, BatchSize, corpus.Tokenizer.PaddingId, 1, new RandomKey(0).Derive("frozen language model").Derive("order"));
        using var optimizer = new AdamOptimizer(model.Module, LearningRate);
        for (int step = 0; step < Steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor ids = batches.Batch(step); // [B, T]
            Tensor loss = model.TokenNegativeLogLikelihood(ids).sum() / ids.ne(corpus.Tokenizer.PaddingId).sum(ScalarType.Float32);
            _ = optimizer.Minimise(loss, ClipNorm);
        }
    }
}
