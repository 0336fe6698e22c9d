namespace Microsoft.ML.Tokenizers;

/// <summary>Rewrites text before it is cut into tokens.</summary>
public abstract class Normalizer
{
    /// <summary>The rewritten text.</summary>
    public abstract string Normalize(string original);

    /// <summary>The rewritten text.</summary>
    public abstract string Normalize(ReadOnlySpan<char> original);
}

/// <summary>Lower case by the invariant culture.</summary>
public sealed class LowerCaseNormalizer : Normalizer
{
    /// <summary>The one instance anybody needs.</summary>
    public static LowerCaseNormalizer Instance { get; } = new();

    /// <inheritdoc/>
    public override string Normalize(string original) => original.ToLowerInvariant();

    /// <inheritdoc/>
    public override string Normalize(ReadOnlySpan<char> original)
    {
        char[] lowered = new char[original.Length];
        original.ToLowerInvariant(lowered);
        return new string(lowered);
    }
}
