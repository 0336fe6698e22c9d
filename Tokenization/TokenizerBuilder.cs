using System.Runtime.InteropServices;
using System.Text;

namespace GumbelGan.Tokenization;

/// <summary>Counts the tokens of the training split, from which a vocabulary is made.</summary>
internal abstract class TokenizerBuilder
{
    /// <summary>The builder for the kind that the options name.</summary>
    internal static TokenizerBuilder For(TokenizerOptions options)
    {
        options.Validate();
        return options.Kind switch
        {
            TokenizerKind.Word => new WordBuilder(options),
            TokenizerKind.Char => new CharBuilder(options),
            TokenizerKind.Bpe => new BytePairBuilder(options),
            TokenizerKind.Gpt2 => new FixedBuilder(() => Gpt2Encoding.Create(options)),
            TokenizerKind.Number => new FixedBuilder(() => WordTokenizer.OfNumbers(options)),
            _ => throw new InvalidOperationException($"No tokenizer of kind {options.Kind}."),
        };
    }

    /// <summary>How many tokens the line has, or null where that depends on the vocabulary to be built.</summary>
    internal abstract int? CountTokens(string line);

    /// <summary>Takes a line of the training split into account.</summary>
    internal abstract void Add(string line);

    /// <summary>The tokenizer.</summary>
    internal abstract TextTokenizer Build();

    private sealed class WordBuilder(TokenizerOptions options) : TokenizerBuilder
    {
        private readonly WordPreTokenizer _preTokenizer = new(options.SplitPunctuation, options.GraphemeClusters);
        private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);

        internal override int? CountTokens(string line)
        {
            int count = 0;
            for (int position = 0; _preTokenizer.TryNext(line, ref position, out _, out _);)
            {
                count++;
            }

            return count;
        }

        internal override void Add(string line)
        {
            ReadOnlySpan<char> text = options.Lowercase ? line.ToLowerInvariant() : line;
            Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> counts = _counts.GetAlternateLookup<ReadOnlySpan<char>>();
            for (int position = 0; _preTokenizer.TryNext(text, ref position, out int start, out int length);)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(counts, text.Slice(start, length), out _)++;
            }
        }

        internal override TextTokenizer Build() =>
            new WordTokenizer(options, Vocabulary.FromCounts(_counts, options.MinimumCount, options.MaximumVocabulary));
    }

    private sealed class CharBuilder(TokenizerOptions options) : TokenizerBuilder
    {
        private readonly Dictionary<Rune, long> _counts = [];

        internal override int? CountTokens(string line)
        {
            // With the byte fallback the count depends on which characters make it into the vocabulary.
            return options.ByteFallback ? null : line.EnumerateRunes().Count();
        }

        internal override void Add(string line)
        {
            foreach (Rune rune in options.Lowercase ? line.ToLowerInvariant().EnumerateRunes() : line.EnumerateRunes())
            {
                CollectionsMarshal.GetValueRefOrAddDefault(_counts, rune, out _)++;
            }
        }

        internal override TextTokenizer Build()
        {
            Dictionary<string, long> counts = _counts.ToDictionary(pair => pair.Key.ToString(), pair => pair.Value, StringComparer.Ordinal);
            Vocabulary seen = Vocabulary.FromCounts(counts, options.MinimumCount, options.MaximumVocabulary);
            return new CharTokenizer(options, options.ByteFallback ? CharTokenizer.WithByteTokens(seen) : seen);
        }
    }

    private sealed class BytePairBuilder(TokenizerOptions options) : TokenizerBuilder
    {
        private readonly BytePairTrainer _trainer = new(options);

        internal override int? CountTokens(string line) => null;

        internal override void Add(string line) => _trainer.Add(options.Lowercase ? line.ToLowerInvariant() : line);

        internal override TextTokenizer Build() => _trainer.Train();
    }

    // A fixed vocabulary: nothing is learned from the lines.
    private sealed class FixedBuilder(Func<TextTokenizer> create) : TokenizerBuilder
    {
        internal override int? CountTokens(string line) => null;

        internal override void Add(string line)
        {
        }

        internal override TextTokenizer Build() => create();
    }
}
