using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>What one token is.</summary>
public enum TokenizerKind
{
    /// <summary>A word (or a punctuation mark).</summary>
    Word,

    /// <summary>A Unicode scalar value (a code point): an alphabet stays small, and what a reader sees as one emoji may be several tokens.</summary>
    Char,

    /// <summary>A piece of a word, learned by byte-level byte-pair encoding.</summary>
    Bpe,

    /// <summary>A piece of a word, by GPT-2's own byte-level byte-pair encoding: its 50,257 tokens, nothing is learned.</summary>
    Gpt2,

    /// <summary>A whole number between white space; its id is the number itself. For sequences of an oracle.</summary>
    Number,
}

/// <summary>How text becomes tokens, and how large the vocabulary may grow.</summary>
public sealed record TokenizerOptions
{
    private const int MostNumbers = 1 << 20;

    /// <summary>
    /// What one token is: word, char, bpe (a piece of a word, learned), gpt2 (a piece of a word, GPT-2's own), or number (a whole number).
    /// </summary>
    public TokenizerKind Kind { get; init; } = TokenizerKind.Word;

    /// <summary>Whether text is turned to lower case first.</summary>
    public bool Lowercase { get; init; }

    /// <summary>
    /// Whether punctuation marks and symbols are tokens of their own (word only); otherwise words are whatever stands between white space.
    /// </summary>
    public bool SplitPunctuation { get; init; } = true;

    /// <summary>
    /// Whether what a reader sees as one character (a flag, an emoji with skin tone or joiners) is never cut apart (word only); false in
    /// tokenizers of earlier versions.
    /// </summary>
    public bool GraphemeClusters { get; init; } = true;

    /// <summary>
    /// How often a word or character must occur in the training split to enter the vocabulary, or a pair of pieces to be merged.
    /// </summary>
    public int MinimumCount { get; init; } = 1;

    /// <summary>The most tokens in the vocabulary, the four special ones included (word and char); 0 sets no limit.</summary>
    public int MaximumVocabulary { get; init; }

    /// <summary>How many merges are learned (bpe only); the vocabulary has 256 bytes, four special tokens and at most this many more.</summary>
    public int Merges { get; init; } = 8000;

    /// <summary>How many numbers there are, counted from 0 (number only): the vocabulary of the SeqGAN oracle has 5,000.</summary>
    public int Numbers { get; init; } = 5000;

    /// <summary>Whether characters outside the vocabulary are spelled by 256 byte tokens instead of becoming unknown (char only).</summary>
    public bool ByteFallback { get; init; }

    /// <summary>These options, but for those that the kind does not read, which are the defaults: equal tokenizers have equal ones.</summary>
    public TokenizerOptions WhatTheKindReads()
    {
        bool isWord = Kind == TokenizerKind.Word, isChar = Kind == TokenizerKind.Char, isBytePair = Kind == TokenizerKind.Bpe;
        var unread = new TokenizerOptions();
        return new TokenizerOptions
        {
            Kind = Kind,
            Lowercase = Kind != TokenizerKind.Number && Lowercase,
            SplitPunctuation = isWord ? SplitPunctuation : unread.SplitPunctuation,
            GraphemeClusters = isWord ? GraphemeClusters : unread.GraphemeClusters,
            MinimumCount = isWord || isChar || isBytePair ? MinimumCount : unread.MinimumCount,
            MaximumVocabulary = isWord || isChar ? MaximumVocabulary : unread.MaximumVocabulary,
            Merges = isBytePair ? Merges : unread.Merges,
            Numbers = Kind == TokenizerKind.Number ? Numbers : unread.Numbers,
            ByteFallback = isChar && ByteFallback,
        };
    }

    /// <summary>Refuses values that make no sense.</summary>
    /// <exception cref="UserMistakeException">A value is out of range.</exception>
    public void Validate()
    {
        if (!Enum.IsDefined(Kind))
        {
            throw new UserMistakeException(
                $"The tokenizer kind {Kind} does not exist; choose {string.Join(", ", Enum.GetNames<TokenizerKind>()).ToLowerInvariant()}.");
        }

        if (MinimumCount < 1)
        {
            throw new UserMistakeException($"The tokenizer's minimum count is {MinimumCount}; it must be at least 1.");
        }

        if (Numbers is < 2 or > MostNumbers)
        {
            throw new UserMistakeException($"The tokenizer is to know {Numbers} numbers; there must be 2 to {MostNumbers}.");
        }

        if (Merges < 0)
        {
            throw new UserMistakeException($"The tokenizer is to learn {Merges} merges; the number must be at least 0.");
        }

        if (MaximumVocabulary != 0 && MaximumVocabulary <= Vocabulary.SpecialTokens.Count)
        {
            throw new UserMistakeException(
                $"The tokenizer's maximum vocabulary is {MaximumVocabulary}; it must be 0 (no limit) or exceed "
                    + $"the {Vocabulary.SpecialTokens.Count} special tokens.");
        }
    }
}
