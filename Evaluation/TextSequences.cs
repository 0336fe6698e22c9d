using System.Runtime.InteropServices;
using GumbelGan.Storage;
using GumbelGan.Tokenization;

namespace GumbelGan.Evaluation;

/// <summary>
/// Turns lines of text into sequences of ids for metrics that compare texts: equal units get equal ids, in every text read by the same
/// instance. No vocabulary limits it, so nothing becomes an unknown token and two texts are compared as they are written.
/// </summary>
/// <param name="unit">What one id stands for.</param>
public sealed class TextSequences(TextUnit unit)
{
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);

    /// <summary>The ids of each line's units; an empty line gives an empty sequence.</summary>
    public List<int[]> Read(IEnumerable<string> lines) => [.. lines.Select(Read)];

    /// <summary>The same of the lines of a file.</summary>
    /// <exception cref="UserMistakeException">The file is missing, unreadable, empty, or no UTF-8 text.</exception>
    public List<int[]> ReadFile(string file)
    {
        List<int[]> read = Read(new CorpusReader(file).ReadLines().Select(line => line.Text));
        return read.Count > 0 ? read : throw new UserMistakeException($"{file} is empty; give a text file with one sequence a line.");
    }

    private int[] Read(string line) => unit switch
    {
        TextUnit.Word => [.. line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(Id)],
        TextUnit.Character => [.. line.EnumerateRunes().Select(rune => Id(rune.ToString()))],
        _ => throw new InvalidOperationException($"No such unit: {unit}."),
    };

    private int Id(string word)
    {
        ref int id = ref CollectionsMarshal.GetValueRefOrAddDefault(_ids, word, out bool known);
        if (!known)
        {
            id = _ids.Count - 1;
        }

        return id;
    }
}

/// <summary>What a metric counts as one token of a text.</summary>
public enum TextUnit
{
    /// <summary>Maximal runs without white space.</summary>
    Word,

    /// <summary>Unicode scalar values, spaces included.</summary>
    Character,
}
