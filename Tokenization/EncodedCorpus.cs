using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>A corpus as ids in three splits, with its tokenizer and a report of what became of every line.</summary>
public sealed class EncodedCorpus
{
    private EncodedCorpus(TextTokenizer tokenizer, CorpusOptions options, CorpusEncoding encoding, CorpusReport report)
    {
        (Tokenizer, Options, Report) = (tokenizer, options, report);
        (Train, Validation, Test) = (encoding[CorpusSplit.Train], encoding[CorpusSplit.Validation], encoding[CorpusSplit.Test]);
    }

    /// <summary>The tokenizer whose ids they are.</summary>
    public TextTokenizer Tokenizer { get; }

    /// <summary>The options with which it was read.</summary>
    public CorpusOptions Options { get; }

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
        var reader = new CorpusReader(path, options.SplitSeed, twice: true);
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
        var encoding = new CorpusEncoding(tokenizer, options);
        CorpusEncoding.FileAccount account = encoding.Read(path);
        if (encoding[CorpusSplit.Train].Count == 0)
        {
            throw NoLines(path, options);
        }

        HeldOutFile[] files = [.. options.HeldOutFiles.Select(file =>
        {
            if (Path.GetFullPath(file.Path) == Path.GetFullPath(path))
            {
                throw new UserMistakeException($"{file.Path} is the corpus itself; name another file for {file.Split.ToString().ToLowerInvariant()}, "
                    + "or none to hold out some of its lines.");
            }

            CorpusEncoding.FileAccount read = encoding.Read(file.Path, file.Split);
            return new HeldOutFile(file.Split, file.Path, read.Sha256, read.Bytes, read.Lines, read.Empty, read.TooShort, read.TooLong);
        })];
        var report = new CorpusReport
        {
            Path = path,
            Sha256 = account.Sha256,
            Bytes = account.Bytes,
            Lines = account.Lines,
            EmptyLines = account.Empty,
            TooShortLines = account.TooShort,
            TooLongLines = account.TooLong,
            DuplicateLines = account.Repeats,
            HeldOutFiles = files,
            Overlap = encoding.Overlap(),
            Vocabulary = tokenizer.Vocabulary.Count,
            VocabularySha256 = tokenizer.VocabularySha256,
            Train = encoding.Describe(CorpusSplit.Train),
            Validation = encoding.Describe(CorpusSplit.Validation),
            Test = encoding.Describe(CorpusSplit.Test),
            LengthHistogram = encoding.LengthHistogram,
        };
        return new EncodedCorpus(tokenizer, options, encoding, report);
    }

    private static EncodedCorpus Checked(EncodedCorpus corpus, CorpusOptions options)
    {
        string path = corpus.Report.Path;
        if (corpus.Tokenizer.Vocabulary.Count < Vocabulary.SpecialTokens.Count + 2)
        {
            throw new UserMistakeException($"{path} has fewer than two distinct tokens in its training split; there is nothing to learn from it.");
        }

        CorpusReport report = corpus.Report;
        long unknown = report.Train.UnknownTokens + report.Validation.UnknownTokens + report.Test.UnknownTokens;
        CorpusEncoding.RefuseUnknown(path, corpus.Tokenizer, options, unknown, "raise tokenizer.numbers or choose another kind");

        foreach ((CorpusSplit split, string file) in options.HeldOutFiles)
        {
            if ((split == CorpusSplit.Test ? corpus.Test : corpus.Validation).Count == 0)
            {
                throw NoLines(file, options, split);
            }
        }

        if ((options.ValidationShare > 0 && corpus.Validation.Count == 0) || (options.TestShare > 0 && corpus.Test.Count == 0))
        {
            // Equal lines share a split, so that only distinct ones count.
            long usable = corpus.Train.Count + corpus.Validation.Count + corpus.Test.Count, distinct = usable - corpus.Report.DuplicateLines;
            throw new UserMistakeException($"{path} has {distinct} distinct lines among {usable} usable ones, too few to hold some out for "
                + "validation and test; add lines that differ, or raise the held-out fractions.");
        }

        return corpus;
    }

    private static UserMistakeException NoLines(string path, CorpusOptions options, CorpusSplit split = CorpusSplit.Train) => new(
        $"{path} has no line of {options.MinimumTokens} to {options.MaximumTokens} tokens for "
            + (split == CorpusSplit.Train ? "training" : split.ToString().ToLowerInvariant()) + "; name a text file with one sequence a line, "
            + "or change the length bounds.");
}
