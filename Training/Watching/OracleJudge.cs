using GumbelGan.Evaluation.Metrics;
using GumbelGan.Generators;
using GumbelGan.Storage;
using GumbelGan.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Training.Watching;

/// <summary>
/// Scores sequences by the oracle that their corpus was drawn from: nll/oracle of Yu et al. (2017). It measures quality alone (a model that repeats
/// the oracle's likeliest sequence scores best), so it is read beside the held-out likelihood.
/// </summary>
/// <remarks>B batch, T time.</remarks>
public sealed class OracleJudge : IDisposable
{
    private readonly LstmOracle _oracle;

    /// <summary>Reads or draws the oracle.</summary>
    /// <param name="fileOrSeed">See <see cref="LstmOracle.Named"/>.</param>
    /// <param name="tokenizer">The run's; its ids must be the oracle's numbers.</param>
    /// <param name="format">What the run's generator writes.</param>
    /// <exception cref="UserMistakeException">There is no such oracle, or it writes other sequences than the run.</exception>
    public OracleJudge(string fileOrSeed, TextTokenizer tokenizer, SequenceFormat format)
    {
        _oracle = LstmOracle.Named(fileOrSeed);
        int last = _oracle.Format.Vocabulary - 1;
        if (format.EndId is not null || (format.Vocabulary, format.Length) != (_oracle.Format.Vocabulary, _oracle.Format.Length)
            || tokenizer.Options.Kind != TokenizerKind.Number)
        {
            _oracle.Dispose();
            throw new UserMistakeException(
                $"The oracle {fileOrSeed} writes {_oracle.Format.Length} numbers from 0 to {last} without an end; train with "
                + $"tokenizer.kind=number, tokenizer.numbers={last + 1}, data.end=none and data.minimum_tokens=data.maximum_tokens="
                + $"{_oracle.Format.Length} to be measured by it.");
        }
    }

    /// <summary>The negative log-likelihood of sequences under the oracle, in nats.</summary>
    /// <param name="sequences">[T] each.</param>
    public SplitLikelihood Score(IReadOnlyList<int[]> sequences)
    {
        double total = 0;
        foreach (int[][] chunk in sequences.Chunk(256))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor ids = tensor([.. chunk.SelectMany(row => row).Select(id => (long)id)], [chunk.Length, _oracle.Format.Length]); // [B, T]
            total += _oracle.TokenNegativeLogLikelihood(ids).sum(ScalarType.Float64).item<double>();
        }

        return new SplitLikelihood("oracle", "generated text under the oracle", total, (long)sequences.Count * _oracle.Format.Length,
            sequences.Count);
    }

    /// <inheritdoc/>
    public void Dispose() => _oracle.Dispose();
}
