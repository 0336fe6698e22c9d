namespace GumbelGan.Evaluation;

/// <summary>Two sequences are equal when their ids are, position by position.</summary>
internal sealed class SequenceEquality : IEqualityComparer<int[]>
{
    public static readonly SequenceEquality Instance = new();

    public bool Equals(int[]? left, int[]? right) => left is null ? right is null : right is not null && left.AsSpan().SequenceEqual(right);

    public int GetHashCode(int[] sequence)
    {
        var hash = default(HashCode);
        foreach (int token in sequence)
        {
            hash.Add(token);
        }

        return hash.ToHashCode();
    }
}
