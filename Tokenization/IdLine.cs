using System.Globalization;
using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>The ids of one sequence as text, separated by spaces.</summary>
public static class IdLine
{
    /// <summary>The ids of <paramref name="line"/>.</summary>
    /// <param name="line">A line of a file of ids.</param>
    /// <param name="path">The file, for messages.</param>
    /// <param name="tokenizer">Whose ids they are.</param>
    /// <exception cref="UserMistakeException">A word is not an id of this tokenizer.</exception>
    public static int[] Read(CorpusLine line, string path, TextTokenizer tokenizer)
    {
        return [.. line.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(Id)];

        int Id(string word) =>
            int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id < tokenizer.Vocabulary.Count
                ? id
                : throw new UserMistakeException($"{path}, line {line.Number}: '{Excerpt.Of(word)}' is no id of this tokenizer; ids run from 0 "
                    + $"to {tokenizer.Vocabulary.Count - 1}.");
    }
}
