using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>A text file as ids. As with a corpus, empty, too short and too long lines are left out and counted.</summary>
/// <param name="Sequences">The kept lines, in file order.</param>
/// <param name="LineNumbers">Where each of them stands in the file, from 1.</param>
/// <param name="Lines">Lines of the file.</param>
/// <param name="EmptyLines">Of which without a token.</param>
/// <param name="TooShortLines">Of which with fewer tokens than data.minimum_tokens.</param>
/// <param name="TooLongLines">Of which with more tokens than data.maximum_tokens.</param>
/// <param name="UnknownTokens">Tokens of the kept lines that are not in the vocabulary; each has the unknown id.</param>
public sealed record EncodedText(SequenceSet Sequences, IReadOnlyList<long> LineNumbers, long Lines, long EmptyLines, long TooShortLines,
    long TooLongLines, long UnknownTokens)
{
    /// <summary>Reads a file, once, so that it may be a pipe.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tokenizer">The tokenizer of the run.</param>
    /// <param name="options">How the run read its corpus.</param>
    /// <exception cref="UserMistakeException">The file is missing or not UTF-8 text, no line is kept, or a fixed vocabulary lacks a word.</exception>
    public static EncodedText Read(string path, TextTokenizer tokenizer, CorpusOptions options)
    {
        var encoding = new CorpusEncoding(tokenizer, options);
        var numbers = new List<long>();
        CorpusEncoding.FileAccount account = encoding.Read(path, CorpusSplit.Test, numbers);
        SequenceSet sequences = encoding[CorpusSplit.Test];
        if (sequences.Count == 0)
        {
            throw new UserMistakeException(
                $"{path} has no line of {options.MinimumTokens} to {options.MaximumTokens} tokens, as the run's data have; "
                + "name a text file with one sequence a line.");
        }

        long unknown = encoding.Describe(CorpusSplit.Test).UnknownTokens;
        CorpusEncoding.RefuseUnknown(path, tokenizer, options, unknown, "leave their lines out");
        return new EncodedText(sequences, numbers, account.Lines, account.Empty, account.TooShort, account.TooLong, unknown);
    }
}
