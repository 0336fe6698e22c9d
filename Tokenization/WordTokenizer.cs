using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace GumbelGan.Tokenization;

/// <summary>
/// One id a word. Words outside the vocabulary become the unknown id; white space is not kept, decoding joins words by single spaces.
/// </summary>
public sealed class WordTokenizer : TextTokenizer
{
    private const string AttachesLeft = ".,;:!?)]}%\u2026";
    private const string AttachesRight = "([{$";

    private readonly WordPreTokenizer _preTokenizer;

    internal WordTokenizer(TokenizerOptions options, Vocabulary vocabulary)
        : base(options, vocabulary) => _preTokenizer = new WordPreTokenizer(options.SplitPunctuation, options.GraphemeClusters);

    /// <summary>The words 0, 1, 2 and so on, whose ids they are; the special tokens stand behind.</summary>
    internal static WordTokenizer OfNumbers(TokenizerOptions options) => new(options with { SplitPunctuation = false },
        new Vocabulary(Enumerable.Range(0, options.Numbers).Select(id => KeyValuePair.Create(id.ToString(CultureInfo.InvariantCulture), id))));

    /// <inheritdoc/>
    public override PreTokenizer PreTokenizer => _preTokenizer;

    private protected override void EncodeNormalized(ReadOnlySpan<char> text, List<int> ids)
    {
        for (int position = 0; _preTokenizer.TryNext(text, ref position, out int start, out int length);)
        {
            ids.Add(Vocabulary.IdOrUnknown(text.Slice(start, length)));
        }
    }

    private protected override IEnumerable<EncodedToken> TokenizeNormalized(string text, bool preTokenize)
    {
        IEnumerable<(int Offset, int Length)> pieces = preTokenize ? _preTokenizer.PreTokenize(text) : [(0, text.Length)];
        foreach ((int offset, int length) in pieces.Where(piece => piece.Length > 0))
        {
            // Text that was not cut into words may hold a space, and so spell a special token.
            int id = Vocabulary.IdOrUnknown(text.AsSpan(offset, length));
            id = Vocabulary.IsSpecial(id) ? Vocabulary.UnknownId : id;
            yield return new EncodedToken(id, Vocabulary[id], offset..(offset + length));
        }
    }

    private protected override string DecodeContent(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder();
        bool glued = true;
        foreach (int id in ids)
        {
            string word = id == UnknownId ? UnknownText : Vocabulary[id];
            bool mark = Options.SplitPunctuation && word.Length > 0;
            if (!glued && !(mark && AttachesLeft.Contains(word[0], StringComparison.Ordinal)))
            {
                text.Append(' ');
            }

            text.Append(word);
            glued = mark && word.Length == 1 && AttachesRight.Contains(word[0], StringComparison.Ordinal);
        }

        return text.ToString();
    }
}
