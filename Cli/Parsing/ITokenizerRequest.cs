using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Parsing;

/// <summary>A request that describes a tokenizer to be trained.</summary>
internal interface ITokenizerRequest
{
    /// <summary>The tokenizer.</summary>
    TokenizerOptions Tokenizer { get; }
}

/// <summary>The options that describe it; several commands share them.</summary>
internal static class TokenizerRequestOptions
{
    public static RequestCommand<T> WithTokenizer<T>(this RequestCommand<T> command)
        where T : class, ITokenizerRequest, new() => command
        .Chosen("--kind", "What one token is: word, char, bpe (a piece of a word, learned), gpt2 (a piece of a word, GPT-2's own), or number (a "
            + "whole number).", request => request.Tokenizer.Kind,
            Enum.GetValues<TokenizerKind>())
        .Flag("--lowercase", "Turn text to lower case first.", request => request.Tokenizer.Lowercase)
        .Flag("--keep-punctuation", "Leave punctuation attached to words: a word is whatever stands between white space (word only).",
            request => request.Tokenizer.SplitPunctuation, meaning: false)
        .Number("--minimum-count", "How often a word or character must occur to enter the vocabulary, or a pair of pieces to be merged.",
            request => request.Tokenizer.MinimumCount)
        .Number("--maximum-vocabulary",
            "The most tokens in the vocabulary, the four special ones included; 0 sets no limit (word and char).",
            request => request.Tokenizer.MaximumVocabulary)
        .Number("--merges", "How many merges are learned (bpe only).", request => request.Tokenizer.Merges)
        .Number("--numbers", "How many numbers there are, counted from 0 (number only).", request => request.Tokenizer.Numbers)
        .Flag("--byte-fallback", "Spell characters outside the vocabulary by byte tokens instead of the unknown token (char only).",
            request => request.Tokenizer.ByteFallback);
}
