using GumbelGan.Generators;
using GumbelGan.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace GumbelGan.Laboratory;

/// <summary>Every sequence that a format allows, each once; a sequence that ends early is padded.</summary>
/// <remarks>
/// N sequences, T time. With n tokens beside begin, end and padding, N is n^T where there is no end token, else the sum of n^t for t from 0 to T.
/// </remarks>
public sealed class StringSpace
{
    /// <summary>The most sequences that are enumerated.</summary>
    public const int MostStrings = 1 << 20;

    private readonly long[] _ids;
    private readonly int _time;

    private StringSpace(long[] ids, int time) => (_ids, _time) = (ids, time);

    /// <summary>N.</summary>
    public int Count => _ids.Length / _time;

    /// <summary>The sequences of <paramref name="format"/>.</summary>
    /// <exception cref="UserMistakeException">There are more than <see cref="MostStrings"/>.</exception>
    public static StringSpace Of(SequenceFormat format)
    {
        int[] ordinary = [.. Enumerable.Range(0, format.Vocabulary).Except(format.NeverGenerated).Where(id => id != format.EndId)];
        double count = format.EndId is null ? Math.Pow(ordinary.Length, format.Length) : Enumerable.Range(0, format.Length + 1)
            .Sum(length => Math.Pow(ordinary.Length, length));
        if (count > MostStrings)
        {
            throw new UserMistakeException(string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{count:G3} sequences are too many to enumerate; at most {MostStrings} are, so make the vocabulary or the length smaller."));
        }

        long[] ids = new long[checked((int)count * format.Length)];
        Array.Fill(ids, format.PaddingId ?? 0);
        int row = 0;
        for (int length = format.EndId is null ? format.Length : 0; length <= format.Length; length++)
        {
            long strings = (long)Math.Pow(ordinary.Length, length);
            for (long number = 0; number < strings; number++, row++)
            {
                Write(ids.AsSpan(row * format.Length, format.Length), ordinary, number, length, format.EndId);
            }
        }

        return new StringSpace(ids, format.Length);
    }

    /// <summary>The sequences in pieces of at most <paramref name="rows"/>.</summary>
    /// <returns>The index of each piece's first sequence, and its ids [rows, T] of int64, with padding after the end.</returns>
    public IEnumerable<(int Start, Tensor Ids)> Pieces(int rows)
    {
        for (int start = 0; start < Count; start += rows)
        {
            int count = Math.Min(rows, Count - start);
            using DisposeScope scope = NewDisposeScope();
            yield return (start, tensor(_ids.AsSpan(start * _time, count * _time).ToArray(), [count, _time]));
        }
    }

    // The tokens of a sequence are the digits of its number to the base n.
    private static void Write(Span<long> row, int[] ordinary, long number, int length, int? end)
    {
        for (int t = length - 1; t >= 0; t--, number /= ordinary.Length)
        {
            row[t] = ordinary[number % ordinary.Length];
        }

        if (end is { } id && length < row.Length)
        {
            row[length] = id;
        }
    }
}
