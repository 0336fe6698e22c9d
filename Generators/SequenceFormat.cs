namespace GumbelGan.Generators;

/// <summary>
/// What a generated sequence is made of: how many different ids there are, how long it may get, and which ids have a meaning of their own.
/// </summary>
/// <param name="Vocabulary">Number of ids, V.</param>
/// <param name="Length">Tokens of the longest sequence, T, the end token counted.</param>
/// <param name="BeginId">What the generator reads before the first token.</param>
/// <param name="EndId">The token that ends a sequence; null where every sequence has exactly T tokens.</param>
/// <param name="PaddingId">What fills the places after the end; null exactly where <paramref name="EndId"/> is.</param>
/// <param name="BeginIsToken">True where the begin id is also an ordinary token (the SeqGAN oracle); else it is never generated.</param>
public sealed record SequenceFormat(int Vocabulary, int Length, int BeginId, int? EndId, int? PaddingId, bool BeginIsToken = false)
{
    /// <summary>Sequences of exactly <paramref name="length"/> tokens over the whole vocabulary, as those of the SeqGAN oracle.</summary>
    public static SequenceFormat FixedLength(int vocabulary, int length, int beginId) => new(vocabulary, length, beginId, null, null, true);

    /// <summary>Other ids of the vocabulary that have no meaning in this format.</summary>
    public IReadOnlyList<int> Unused { get; init; } = [];

    /// <summary>
    /// The ids that never stand in a generated sequence: padding (which is written, not generated), a begin that is no token, and what is unused.
    /// </summary>
    public IEnumerable<int> NeverGenerated
    {
        get
        {
            if (PaddingId is { } padding)
            {
                yield return padding;
            }

            if (!BeginIsToken)
            {
                yield return BeginId;
            }

            foreach (int unused in Unused)
            {
                yield return unused;
            }
        }
    }
}
