using System.CommandLine;
using GumbelGan.Storage;
using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Commands;

/// <summary>The options that describe a tokenizer to be trained; two commands share them.</summary>
internal sealed class TokenizerArguments
{
    private static readonly TokenizerOptions _defaults = new();

    private readonly Option<string> _kind = new("--kind")
    {
        Description =
            "What one token is: word, char, bpe (a piece of a word, learned), gpt2 (a piece of a word, GPT-2's own), or number (a whole number).",
        DefaultValueFactory = _ => "word",
    };

    private readonly Option<bool> _lowercase = new("--lowercase") { Description = "Turn text to lower case first." };

    private readonly Option<bool> _keepPunctuation = new("--keep-punctuation")
    {
        Description = "Leave punctuation attached to words: a word is whatever stands between white space (word only).",
    };

    private readonly Option<int> _minimumCount = new("--minimum-count")
    {
        Description = "How often a word or character must occur to enter the vocabulary, or a pair of pieces to be merged.",
        DefaultValueFactory = _ => _defaults.MinimumCount,
    };

    private readonly Option<int> _maximumVocabulary = new("--maximum-vocabulary")
    {
        Description = "The most tokens in the vocabulary, the four special ones included; 0 sets no limit (word and char).",
        DefaultValueFactory = _ => _defaults.MaximumVocabulary,
    };

    private readonly Option<int> _merges = new("--merges")
    {
        Description = "How many merges are learned (bpe only).",
        DefaultValueFactory = _ => _defaults.Merges,
    };

    private readonly Option<int> _numbers = new("--numbers")
    {
        Description = "How many numbers there are, counted from 0 (number only).",
        DefaultValueFactory = _ => _defaults.Numbers,
    };

    private readonly Option<bool> _byteFallback = new("--byte-fallback")
    {
        Description = "Spell characters outside the vocabulary by byte tokens instead of the unknown token (char only).",
    };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_kind, _lowercase, _keepPunctuation, _minimumCount, _maximumVocabulary, _merges, _numbers,
            _byteFallback])
        {
            command.Options.Add(option);
        }
    }

    public TokenizerOptions Read(ParseResult parsed)
    {
        string kind = parsed.GetRequiredValue(_kind);
        string[] kinds = [.. Enum.GetNames<TokenizerKind>().Select(name => name.ToLowerInvariant())];
        if (!kinds.Contains(kind, StringComparer.Ordinal))
        {
            throw new UserMistakeException($"--kind {kind} does not exist; choose {string.Join(", ", kinds)}.");
        }

        return new TokenizerOptions
        {
            Kind = Enum.Parse<TokenizerKind>(kind, ignoreCase: true),
            Lowercase = parsed.GetValue(_lowercase),
            SplitPunctuation = !parsed.GetValue(_keepPunctuation),
            MinimumCount = parsed.GetValue(_minimumCount),
            MaximumVocabulary = parsed.GetValue(_maximumVocabulary),
            Merges = parsed.GetValue(_merges),
            Numbers = parsed.GetValue(_numbers),
            ByteFallback = parsed.GetValue(_byteFallback),
        };
    }
}
