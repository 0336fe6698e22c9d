namespace Microsoft.ML.Tokenizers;

/// <summary>Cuts text into pieces across which no token may reach.</summary>
public abstract class PreTokenizer
{
    /// <summary>The pieces as (offset, length) in UTF-16 units.</summary>
    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(string text);

    /// <summary>The pieces as (offset, length) in UTF-16 units.</summary>
    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text);
}
