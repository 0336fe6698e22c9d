using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace GumbelGan.Tokenization;

/// <summary>What was read from a corpus and what became of each line.</summary>
public sealed record CorpusReport
{
    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>SHA-256 of the file's bytes, lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Size of the file in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>Lines in the file.</summary>
    public required long Lines { get; init; }

    /// <summary>Lines dropped because nothing stands on them.</summary>
    public required long EmptyLines { get; init; }

    /// <summary>Lines dropped because they have fewer tokens than the minimum.</summary>
    public required long TooShortLines { get; init; }

    /// <summary>Lines dropped because they have more tokens than the maximum.</summary>
    public required long TooLongLines { get; init; }

    /// <summary>Kept lines beyond the first of each distinct text.</summary>
    public required long DuplicateLines { get; init; }

    /// <summary>The files beside it that are the validation or the test split.</summary>
    public IReadOnlyList<HeldOutFile> HeldOutFiles { get; init; } = [];

    /// <summary>
    /// Kept validation and test lines whose ids also occur in the training split. Equal lines of one corpus share a split, so that these differ as
    /// texts and have the same tokens; held-out files may also repeat whole lines.
    /// </summary>
    public long SharedAcrossSplits => Overlap.ValidationInTrain + Overlap.TestInTrain;

    /// <summary>The same for each pair of splits. Such lines are counted, not moved.</summary>
    public required SplitOverlap Overlap { get; init; }

    /// <summary>Tokens in the vocabulary, special ones included.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>SHA-256 of the tokenizer's vocab.json.</summary>
    public required string VocabularySha256 { get; init; }

    /// <summary>
    /// Identifies all text that was read: the SHA-256 of the corpus, or where there are more files the SHA-256 of all their hashes.
    /// </summary>
    public string Identity => HeldOutFiles.Count == 0 ? Sha256
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join('\n', HeldOutFiles
            .Select(file => $"{file.Split} {file.Sha256}").Prepend(Sha256)))));

    /// <summary>A sentence about held-out files whose lines also occur in training; null where there are no such files.</summary>
    public string? OverlapRemark => HeldOutFiles.Count == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"Lines with the tokens of a "
        + $"training line, which stay in both: {Overlap.ValidationInTrain} of {Validation.Lines} validation lines, {Overlap.TestInTrain} of "
        + $"{Test.Lines} test lines; {Overlap.TestInValidation} test lines also stand in validation.");

    /// <summary>The training split.</summary>
    public required SplitReport Train { get; init; }

    /// <summary>The validation split.</summary>
    public required SplitReport Validation { get; init; }

    /// <summary>The test split.</summary>
    public required SplitReport Test { get; init; }

    /// <summary>How many kept lines have each number of tokens (index; the end token not counted).</summary>
    public required IReadOnlyList<long> LengthHistogram { get; init; }
}

/// <summary>One split of a corpus.</summary>
/// <param name="Lines">Kept lines.</param>
/// <param name="Tokens">Tokens, end tokens not counted.</param>
/// <param name="UnknownTokens">Tokens outside the vocabulary.</param>
public sealed record SplitReport(long Lines, long Tokens, long UnknownTokens);

/// <summary>A file of its own for validation or test.</summary>
/// <param name="Split">What its lines are used for.</param>
/// <param name="Path">Where it is.</param>
/// <param name="Sha256">SHA-256 of its bytes, lower-case hexadecimal.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Lines">Lines in it.</param>
/// <param name="EmptyLines">Lines dropped because nothing stands on them.</param>
/// <param name="TooShortLines">Lines dropped because they have fewer tokens than the minimum.</param>
/// <param name="TooLongLines">Lines dropped because they have more tokens than the maximum.</param>
public sealed record HeldOutFile(
    CorpusSplit Split, string Path, string Sha256, long Bytes, long Lines, long EmptyLines, long TooShortLines, long TooLongLines);

/// <summary>How many kept lines of one split have the tokens of a line of another.</summary>
/// <param name="ValidationInTrain">Validation lines that also stand in training.</param>
/// <param name="TestInTrain">Test lines that also stand in training.</param>
/// <param name="TestInValidation">Test lines that also stand in validation.</param>
public sealed record SplitOverlap(long ValidationInTrain, long TestInTrain, long TestInValidation);
