using System.Runtime.InteropServices;
using GumbelGan.Engine;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Generators;

/// <summary>
/// An LSTM that is the data distribution: what it says is true, so the likelihood of any sequence is known exactly. The synthetic benchmark
/// of Yu et al., "SeqGAN" (2017): embedding, one LSTM layer, output layer, every weight drawn from N(0, 1), sequences of exactly T tokens.
/// </summary>
/// <remarks>B batch, T time, V vocabulary, H hidden. There is no end token and no padding; the start token is also an ordinary token.</remarks>
public sealed class LstmOracle : IDisposable
{
    private const string StartTokenKey = "start_token", SequenceLengthKey = "sequence_length";

    // What the oracle's file calls a parameter, and what the generator calls it.
    private static readonly (string InFile, string InModel)[] _names =
    [
        ("embedding.weight", "embedding.weight"), ("output.weight", "output.weight"), ("output.bias", "output.bias"),
        ("lstm.weight_ih_l0", "cell0.weight_ih"), ("lstm.weight_hh_l0", "cell0.weight_hh"), ("lstm.bias_ih_l0", "cell0.bias_ih"),
        ("lstm.bias_hh_l0", "cell0.bias_hh"),
    ];

    private readonly LstmGenerator _model;

    private LstmOracle(LstmGenerator model) => _model = model;

    /// <summary>V, T and the start token.</summary>
    public SequenceFormat Format => _model.Format;

    /// <summary>An oracle whose weights are all drawn from N(0, 1).</summary>
    /// <param name="vocabulary">V, at least 2.</param>
    /// <param name="hidden">H, also the width of the embedding.</param>
    /// <param name="length">T.</param>
    /// <param name="key">Keys the weights.</param>
    public static LstmOracle Draw(int vocabulary, int hidden, int length, RandomKey key)
    {
        LstmOracle oracle = Blank(vocabulary, hidden, hidden, length, 0);
        foreach ((string name, Parameter parameter) in oracle._model.named_parameters())
        {
            RandomFill.Normal(key.Derive(name), TensorMemory.Numbers(parameter));
        }

        return oracle;
    }

    /// <summary>The oracle of a file, or of a seed the one drawn from it with the sizes of the SeqGAN oracle: V 5000, H 32, T 20.</summary>
    /// <param name="fileOrSeed">A safetensors file (<see cref="Load"/>) or a whole number.</param>
    /// <exception cref="UserMistakeException">It is no number, and no oracle can be read there.</exception>
    public static LstmOracle Named(string fileOrSeed) =>
        ulong.TryParse(fileOrSeed, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out ulong seed)
            ? Draw(5000, 32, 20, new RandomKey(seed).Derive("oracle")) : Load(fileOrSeed);

    /// <summary>
    /// Reads an oracle from safetensors with PyTorch's names of an <c>nn.Embedding</c>, a one-layer <c>nn.LSTM</c> and an <c>nn.Linear</c>, and
    /// the metadata start_token and sequence_length.
    /// </summary>
    /// <exception cref="UserMistakeException">The file is malformed or is no such model.</exception>
    public static LstmOracle Load(string path)
    {
        SafetensorsFile file = SafetensorsFile.Read(path);
        foreach ((string name, string _) in _names)
        {
            if (!file.Contains(name) || file[name].Type != SafetensorsType.F32)
            {
                throw new UserMistakeException($"{path} is no oracle: it has no float32 tensor '{name}'.");
            }
        }

        IReadOnlyList<long> table = file["embedding.weight"].Shape, output = file["output.weight"].Shape;
        if (table.Count != 2 || output.Count != 2 || table[0] is < 2 or > int.MaxValue || table[1] < 1 || output[1] < 1)
        {
            throw new UserMistakeException($"{path} is no oracle: embedding.weight and output.weight must be matrices of at least 2 rows.");
        }

        int start = Number(file, StartTokenKey, 0, (int)table[0] - 1), length = Number(file, SequenceLengthKey, 1, 1 << 20);
        LstmOracle oracle = Blank((int)table[0], checked((int)table[1]), checked((int)output[1]), length, start);
        foreach ((string inFile, string inModel) in _names)
        {
            Parameter target = oracle._model.get_parameter(inModel)!;
            if (!file[inFile].Shape.SequenceEqual(target.shape))
            {
                throw new UserMistakeException($"{path} is no oracle: '{inFile}' has shape [{string.Join(", ", file[inFile].Shape)}] where "
                    + $"[{string.Join(", ", target.shape)}] fits the other tensors.");
            }

            MemoryMarshal.AsBytes(file[inFile].Values<float>()).CopyTo(target.bytes);
        }

        return oracle;
    }

    /// <summary>Draws sequences one after another, [T] each.</summary>
    /// <param name="count">How many.</param>
    /// <param name="key">Keys the draws.</param>
    public IEnumerable<int[]> Sequences(long count, RandomKey key)
    {
        const int Batch = 256;
        for (long drawn = 0; drawn < count; drawn += Batch)
        {
            // Always whole batches: the first sequences are the same however many are wanted.
            using Tensor ids = Sample(Batch, key.Derive((ulong)(drawn / Batch))); // [B, T]
            long[] values = ids.data<long>().ToArray();
            for (int row = 0; row < Math.Min(Batch, count - drawn); row++)
            {
                yield return Array.ConvertAll(values[(row * Format.Length)..((row + 1) * Format.Length)], id => (int)id);
            }
        }
    }

    /// <summary>Draws sequences.</summary>
    /// <param name="batch">B.</param>
    /// <param name="key">Keys the draws.</param>
    /// <returns>[B, T] of int64.</returns>
    public Tensor Sample(int batch, RandomKey key) => _model.Sample(batch, 1, key);

    /// <summary>The exact negative log-likelihood of each token, in nats.</summary>
    /// <param name="ids">[B, T'] of int64, T' at most T.</param>
    /// <returns>[B, T'].</returns>
    public Tensor TokenNegativeLogLikelihood(Tensor ids)
    {
        using IDisposable off = no_grad();
        return _model.TokenNegativeLogLikelihood(ids);
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();

    private static LstmOracle Blank(int vocabulary, int embedding, int hidden, int length, int start) =>
        new(new LstmGenerator(new LstmGeneratorOptions { Embedding = embedding, Hidden = hidden },
            SequenceFormat.FixedLength(vocabulary, length, start),
            new RandomKey(0)));

    private static int Number(SafetensorsFile file, string key, int least, int most) =>
        file.Metadata.TryGetValue(key, out string? text) && int.TryParse(text, System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture, out int number) && number >= least && number <= most
            ? number
            : throw new UserMistakeException($"{file.Path} is no oracle: its metadata must give {key}, a whole number from {least} to {most}.");
}
