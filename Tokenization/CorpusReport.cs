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

    /// <summary>
    /// Kept validation and test lines whose ids also occur in the training split: their texts differ (equal texts share a split), but not their
    /// tokens.
    /// </summary>
    public required long SharedAcrossSplits { get; init; }

    /// <summary>Tokens in the vocabulary, special ones included.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>SHA-256 of the tokenizer's vocab.json.</summary>
    public required string VocabularySha256 { get; init; }

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
