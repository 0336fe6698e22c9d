using System.Runtime.InteropServices;
using System.Security.Cryptography;
using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>Encodes the lines of files, sorts them into splits, and counts what became of each.</summary>
internal sealed class CorpusEncoding(TextTokenizer tokenizer, CorpusOptions options)
{
    private readonly SequenceSet[] _splits =
        [new(tokenizer.Vocabulary.Count), new(tokenizer.Vocabulary.Count), new(tokenizer.Vocabulary.Count)];
    private readonly long[] _unknown = new long[3];
    private readonly List<long> _histogram = [];

    /// <summary>How many kept lines have each number of tokens (index).</summary>
    internal IReadOnlyList<long> LengthHistogram => _histogram;

    /// <summary>The kept sequences of a split.</summary>
    internal SequenceSet this[CorpusSplit split] => _splits[(int)split];

    /// <summary>How many lines, tokens and unknown tokens a split has.</summary>
    internal SplitReport Describe(CorpusSplit split) => new(
        this[split].Count, this[split].Tokens - (options.End == SequenceEnd.Token ? this[split].Count : 0), _unknown[(int)split]);

    /// <summary>Reads a file and adds its lines to the splits.</summary>
    /// <param name="path">The file.</param>
    /// <param name="split">Where all its lines go; null lets each line's hash decide.</param>
    /// <param name="numbers">
    /// Receives the number of each kept line. Null for the files of a corpus; these are read more than once, so that a pipe is refused.
    /// </param>
    /// <returns>What became of its lines.</returns>
    internal FileAccount Read(string path, CorpusSplit? split = null, List<long>? numbers = null)
    {
        long lines = 0, empty = 0, tooShort = 0, tooLong = 0;
        var hashes = new List<ulong>();
        var ids = new List<int>();
        var reader = new CorpusReader(path, options.SplitSeed, twice: numbers is null);
        foreach (CorpusLine line in reader.ReadLines())
        {
            lines++;
            ids.Clear();
            tokenizer.Encode(line.Text, ids);
            if (ids.Count == 0)
            {
                empty++;
            }
            else if (ids.Count < options.MinimumTokens)
            {
                tooShort++;
            }
            else if (ids.Count > options.MaximumTokens)
            {
                tooLong++;
            }
            else
            {
                int place = (int)(split ?? line.SplitBy(options));
                CollectionsMarshal.SetCount(_histogram, Math.Max(_histogram.Count, ids.Count + 1));
                _histogram[ids.Count]++;
                _unknown[place] += CollectionsMarshal.AsSpan(ids).Count(tokenizer.UnknownId);
                hashes.Add(line.Hash);
                numbers?.Add(line.Number);
                if (options.End == SequenceEnd.Token)
                {
                    ids.Add(tokenizer.EndId);
                }

                _splits[place].Add(CollectionsMarshal.AsSpan(ids));
            }
        }

        return new FileAccount(reader.Sha256, reader.Bytes, lines, empty, tooShort, tooLong, CountRepeats(hashes));
    }

    /// <summary>
    /// Refuses unknown words where sequences have a fixed length and the special ids are the last: the generator of such a corpus has no special
    /// tokens, so none that could stand for them.
    /// </summary>
    /// <exception cref="UserMistakeException">There are unknown words.</exception>
    internal static void RefuseUnknown(string path, TextTokenizer tokenizer, CorpusOptions options, long unknown, string remedy)
    {
        if (options.End == SequenceEnd.None && tokenizer.Vocabulary.HasSpecialTokensLast && unknown > 0)
        {
            throw new UserMistakeException($"{path} has words that are not in the tokenizer's fixed vocabulary (whole numbers from 0 to "
                + $"{tokenizer.Vocabulary.Count - Vocabulary.SpecialTokens.Count - 1}), {unknown} in all; {remedy}.");
        }
    }

    /// <summary>How many kept lines have the tokens of a line in another split.</summary>
    internal SplitOverlap Overlap()
    {
        SequenceSet train = this[CorpusSplit.Train], validation = this[CorpusSplit.Validation], test = this[CorpusSplit.Test];
        if (validation.Count + test.Count == 0)
        {
            return new SplitOverlap(0, 0, 0);
        }

        ulong[] inTrain = SortedHashes(train), inValidation = SortedHashes(validation);
        return new SplitOverlap(CountIn(validation, inTrain), CountIn(test, inTrain), CountIn(test, inValidation));
    }

    private static ulong[] SortedHashes(SequenceSet set)
    {
        ulong[] hashes = [.. Enumerable.Range(0, set.Count).Select(i => HashOf(set[i]))];
        Array.Sort(hashes);
        return hashes;
    }

    private static long CountIn(SequenceSet set, ulong[] known) =>
        Enumerable.Range(0, set.Count).LongCount(i => Array.BinarySearch(known, HashOf(set[i])) >= 0);

    private static ulong HashOf(ReadOnlySpan<int> ids)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(ids), digest);
        return MemoryMarshal.Read<ulong>(digest);
    }

    private static long CountRepeats(List<ulong> hashes)
    {
        Span<ulong> sorted = CollectionsMarshal.AsSpan(hashes);
        sorted.Sort();
        long repeats = 0;
        for (int i = 1; i < sorted.Length; i++)
        {
            repeats += sorted[i] == sorted[i - 1] ? 1 : 0;
        }

        return repeats;
    }

    /// <summary>What was read from one file and what became of each line; see <see cref="CorpusReport"/>.</summary>
    internal sealed record FileAccount(string Sha256, long Bytes, long Lines, long Empty, long TooShort, long TooLong, long Repeats);
}
