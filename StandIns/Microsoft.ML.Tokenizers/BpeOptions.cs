namespace Microsoft.ML.Tokenizers;

/// <summary>What a <see cref="BpeTokenizer"/> is made of.</summary>
/// <param name="vocabulary">Token to id, in the byte-level alphabet where <see cref="ByteLevel"/> is set.</param>
public sealed class BpeOptions(IEnumerable<KeyValuePair<string, int>> vocabulary)
{
    /// <summary>Token to id.</summary>
    public IEnumerable<KeyValuePair<string, int>> Vocabulary { get; } = vocabulary ?? throw new ArgumentNullException(nameof(vocabulary));

    /// <summary>Pairs of tokens separated by one space, the most urgent first.</summary>
    public IEnumerable<string>? Merges { get; set; }

    /// <summary>Whether text is turned into the 256 letters of the byte-level alphabet first; the stand-in knows no other way.</summary>
    public bool ByteLevel { get; set; }

    /// <summary>What cuts the text first; no merge reaches across its cuts.</summary>
    public PreTokenizer? PreTokenizer { get; set; }

    /// <summary>What rewrites the text first.</summary>
    public Normalizer? Normalizer { get; set; }
}
