using System.Runtime.InteropServices;
using System.Security.Cryptography;
using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>A corpus as ids, in three splits, with its tokenizer and an account of every line.</summary>
public sealed class EncodedCorpus
{
    private EncodedCorpus(TextTokenizer tokenizer, SequenceSet train, SequenceSet validation, SequenceSet test, CorpusReport report) =>
        (Tokenizer, Train, Validation, Test, Report) = (tokenizer, train, validation, test, report);

    /// <summary>What the ids mean.</summary>
    public TextTokenizer Tokenizer { get; }

    /// <summary>The training split, in file order.</summary>
    public SequenceSet Train { get; }

    /// <summary>The validation split, in file order.</summary>
    public SequenceSet Validation { get; }

    /// <summary>The test split, in file order.</summary>
    public SequenceSet Test { get; }

    /// <summary>What was read, dropped and repeated.</summary>
    public CorpusReport Report { get; }

    /// <summary>Reads the corpus at <paramref name="path"/> with a tokenizer whose vocabulary comes from its training split alone.</summary>
    /// <exception cref="UserMistakeException">
    /// The file is missing, is no UTF-8 text, or leaves a split without lines or the vocabulary without at least two tokens.
    /// </exception>
    public static EncodedCorpus Read(string path, TokenizerOptions tokenizerOptions, CorpusOptions options) =>
        Checked(Inspect(path, tokenizerOptions, options), options);

    /// <summary>Reads the corpus at <paramref name="path"/> with a tokenizer made before.</summary>
    /// <exception cref="UserMistakeException">The file is missing, is no UTF-8 text, or leaves a split without lines.</exception>
    public static EncodedCorpus Read(string path, TextTokenizer tokenizer, CorpusOptions options) =>
        Checked(Inspect(path, tokenizer, options), options);

    /// <summary>As <see cref="Read(string, TokenizerOptions, CorpusOptions)"/>, but held-out splits may be empty: for looking at a file.</summary>
    public static EncodedCorpus Inspect(string path, TokenizerOptions tokenizerOptions, CorpusOptions options)
    {
        options.Validate();
        TokenizerBuilder builder = TokenizerBuilder.For(tokenizerOptions);
        var reader = new CorpusReader(path, options.SplitSeed);
        bool any = false;
        foreach (CorpusLine line in reader.ReadLines())
        {
            if (line.Text.Length > 0 && line.SplitBy(options) == CorpusSplit.Train
                && (builder.CountTokens(line.Text) is not { } count || (count >= options.MinimumTokens && count <= options.MaximumTokens)))
            {
                builder.Add(line.Text);
                any = true;
            }
        }

        if (!any)
        {
            throw NoLines(path, options);
        }

        EncodedCorpus corpus = Inspect(path, builder.Build(), options);
        if (corpus.Report.Sha256 != reader.Sha256)
        {
            throw new UserMistakeException($"{path} changed while it was read; run again when nothing writes to it.");
        }

        return corpus;
    }

    /// <summary>As <see cref="Read(string, TextTokenizer, CorpusOptions)"/>, but held-out splits may be empty: for looking at a file.</summary>
    public static EncodedCorpus Inspect(string path, TextTokenizer tokenizer, CorpusOptions options)
    {
        options.Validate();
        SequenceSet[] splits = [new(tokenizer.Vocabulary.Count), new(tokenizer.Vocabulary.Count), new(tokenizer.Vocabulary.Count)];
        long[] unknown = new long[splits.Length];
        long lines = 0, empty = 0, tooShort = 0, tooLong = 0;
        var histogram = new List<long>();
        var hashes = new List<ulong>();
        var ids = new List<int>();
        var reader = new CorpusReader(path, options.SplitSeed);
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
                int split = (int)line.SplitBy(options);
                CollectionsMarshal.SetCount(histogram, Math.Max(histogram.Count, ids.Count + 1));
                histogram[ids.Count]++;
                unknown[split] += CollectionsMarshal.AsSpan(ids).Count(tokenizer.UnknownId);
                hashes.Add(line.Hash);
                ids.Add(tokenizer.EndId);
                splits[split].Add(CollectionsMarshal.AsSpan(ids));
            }
        }

        if (splits[(int)CorpusSplit.Train].Count == 0)
        {
            throw NoLines(path, options);
        }

        SplitReport Describe(CorpusSplit split) =>
            new(splits[(int)split].Count, splits[(int)split].Tokens - splits[(int)split].Count, unknown[(int)split]);
        var report = new CorpusReport
        {
            Path = path,
            Sha256 = reader.Sha256,
            Bytes = reader.Bytes,
            Lines = lines,
            EmptyLines = empty,
            TooShortLines = tooShort,
            TooLongLines = tooLong,
            DuplicateLines = CountRepeats(hashes),
            SharedAcrossSplits = CountShared(splits),
            Vocabulary = tokenizer.Vocabulary.Count,
            VocabularySha256 = tokenizer.VocabularySha256,
            Train = Describe(CorpusSplit.Train),
            Validation = Describe(CorpusSplit.Validation),
            Test = Describe(CorpusSplit.Test),
            LengthHistogram = histogram,
        };
        return new EncodedCorpus(tokenizer, splits[0], splits[1], splits[2], report);
    }

    private static EncodedCorpus Checked(EncodedCorpus corpus, CorpusOptions options)
    {
        string path = corpus.Report.Path;
        if (corpus.Tokenizer.Vocabulary.Count < Vocabulary.SpecialTokens.Count + 2)
        {
            throw new UserMistakeException($"{path} has fewer than two distinct tokens in its training split; there is nothing to learn from it.");
        }

        if ((options.ValidationFraction > 0 && corpus.Validation.Count == 0) || (options.TestFraction > 0 && corpus.Test.Count == 0))
        {
            // Equal lines are on the same side of the split, so that only distinct ones count.
            long usable = corpus.Train.Count + corpus.Validation.Count + corpus.Test.Count, distinct = usable - corpus.Report.DuplicateLines;
            throw new UserMistakeException($"{path} has {distinct} distinct lines among {usable} usable ones, too few to hold some out for "
                + "validation and test; add lines that differ, or raise the held-out fractions.");
        }

        return corpus;
    }

    private static UserMistakeException NoLines(string path, CorpusOptions options) => new(
        $"{path} has no line of {options.MinimumTokens} to {options.MaximumTokens} tokens for training; name a text file with one sequence a line, "
            + "or change the length bounds.");

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

    private static long CountShared(SequenceSet[] splits)
    {
        if (splits[(int)CorpusSplit.Validation].Count + splits[(int)CorpusSplit.Test].Count == 0)
        {
            return 0;
        }

        SequenceSet train = splits[(int)CorpusSplit.Train];
        ulong[] known = new ulong[train.Count];
        for (int i = 0; i < known.Length; i++)
        {
            known[i] = HashOf(train[i]);
        }

        Array.Sort(known);
        long shared = 0;
        foreach (SequenceSet heldOut in splits.Skip(1))
        {
            for (int i = 0; i < heldOut.Count; i++)
            {
                shared += Array.BinarySearch(known, HashOf(heldOut[i])) >= 0 ? 1 : 0;
            }
        }

        return shared;
    }

    private static ulong HashOf(ReadOnlySpan<int> ids)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(ids), digest);
        return MemoryMarshal.Read<ulong>(digest);
    }
}
