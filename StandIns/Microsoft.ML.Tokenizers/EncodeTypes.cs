namespace Microsoft.ML.Tokenizers;

/// <summary>What a tokenizer is asked to do with one text.</summary>
public struct EncodeSettings
{
    /// <summary>Settings that run the whole pipeline and set no limit.</summary>
    public EncodeSettings()
    {
    }

    /// <summary>Whether the pre-tokenizer cuts the text first.</summary>
    public bool ConsiderPreTokenization { get; set; } = true;

    /// <summary>Whether the normalizer rewrites the text first.</summary>
    public bool ConsiderNormalization { get; set; } = true;

    /// <summary>Where to stop, in tokens.</summary>
    public int MaxTokenCount { get; set; } = int.MaxValue;
}

/// <summary>Tokens of one text and how much of the (normalized) text they cover.</summary>
/// <typeparam name="T">Ids or <see cref="EncodedToken"/>.</typeparam>
public struct EncodeResults<T>
{
    /// <summary>The tokens in text order.</summary>
    public IReadOnlyList<T> Tokens { get; set; }

    /// <summary>The text after normalization, or null where none happened.</summary>
    public string? NormalizedText { get; set; }

    /// <summary>Characters (UTF-16 units) covered by <see cref="Tokens"/>.</summary>
    public int CharsConsumed { get; set; }
}

/// <summary>One token: its id, its spelling and where it stood in the (normalized) text.</summary>
public readonly struct EncodedToken(int id, string value, Range offset) : IEquatable<EncodedToken>
{
    /// <summary>The id in the vocabulary.</summary>
    public int Id { get; } = id;

    /// <summary>The vocabulary's spelling.</summary>
    public string Value { get; } = value;

    /// <summary>Position in the (normalized) text, in UTF-16 units.</summary>
    public Range Offset { get; } = offset;

    /// <inheritdoc/>
    public bool Equals(EncodedToken other) => Id == other.Id && Value == other.Value && Offset.Equals(other.Offset);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EncodedToken other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Id, Value, Offset);
}
