using System.Text;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Tests.Storage;
using GumbelGan.Tokenization;
using Xunit;

namespace GumbelGan.Tests.Tokenization;

public sealed class CorpusTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Lines_of_any_length_up_to_the_bound_arrive_whole_and_numbered()
    {
        // Longer than the reader's buffer many times over, with lines that straddle its ends.
        var random = new RandomStream(new RandomKey(5));
        string[] lines =
            [.. Enumerable.Range(0, 3000).Select(i => $"é{i}" + new string((char)('a' + (i % 26)), random.NextInt32(i % 500 == 0 ? 900_000 : 400)))];
        string path = Write(string.Join('\n', lines));
        CorpusLine[] read = [.. new CorpusReader(path).ReadLines()];
        Assert.Equal(lines, read.Select(line => line.Text));
        Assert.Equal(Enumerable.Range(1, lines.Length).Select(number => (long)number), read.Select(line => line.Number));
    }

    [Fact]
    public void A_byte_order_mark_and_carriage_returns_are_no_part_of_the_text()
    {
        string path = Write([0xEF, 0xBB, 0xBF, .. "a b\r\n\r\n c\t\r\n\u00a0d"u8]);
        Assert.Equal(["a b", "", "c", "\u00a0d"], new CorpusReader(path).ReadLines().Select(line => line.Text));
        Assert.Equal(["a b\r", "\r", " c\t\r", "\u00a0d"], new CorpusReader(path, trim: false).ReadLines().Select(line => line.Text));
    }

    [Fact]
    public void A_final_line_feed_adds_no_line_and_an_empty_file_has_none()
    {
        Assert.Equal(2, new CorpusReader(Write("a\nb\n")).ReadLines().Count());
        Assert.Equal(2, new CorpusReader(Write("a\nb")).ReadLines().Count());
        Assert.Empty(new CorpusReader(Write("")).ReadLines());
        Assert.Empty(new CorpusReader(Write([0xEF, 0xBB, 0xBF])).ReadLines());
    }

    [Fact]
    public void The_hash_of_the_file_is_its_SHA256()
    {
        var reader = new CorpusReader(Write("abc"));
        Assert.Single(reader.ReadLines());
        // FIPS 180-2, appendix B.1.
        Assert.Equal(("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3), (reader.Sha256, reader.Bytes));
    }

    [Theory]
    [InlineData(new byte[] { 0x61, 0x0A, 0x62, 0xE6, 0xBC }, "line 2: byte 3 of the file is not valid UTF-8")]
    [InlineData(new byte[] { 0x61, 0x0A, 0x20, 0x62, 0xC0, 0x80, 0x0A }, "line 2: byte 4 of the file is not valid UTF-8")]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 }, "line 1: byte 0 of the file is not valid UTF-8")]
    [InlineData(new byte[] { 0xEF, 0xBB, 0xBF, 0x61, 0xFF }, "line 1: byte 4 of the file is not valid UTF-8")]
    [InlineData(new byte[] { 0xFF, 0xFE, 0x61, 0x00, 0x0A, 0x00 }, "line 1: byte 3 of the file is NUL")]
    [InlineData(new byte[] { 0x61, 0x0A, 0x0A, 0x62, 0x00, 0x63 }, "line 3: byte 4 of the file is NUL")]
    public void What_is_no_text_is_refused_with_line_and_byte(byte[] content, string says)
    {
        string path = Write(content);
        UserMistakeException mistake = Assert.Throws<UserMistakeException>(() => new CorpusReader(path).ReadLines().Count());
        Assert.Contains(says, mistake.Message);
        Assert.DoesNotContain('\n', mistake.Message);
    }

    [Theory]
    [InlineData("/dev/zero", "is NUL")]
    [InlineData("/dev/urandom", "line 1")]
    [InlineData("/proc/self", "is a directory")]
    [InlineData("/nonexistent", "does not exist")]
    [InlineData("/nonexistent/file", "does not exist")]
    [InlineData("", "is empty")]
    public void Endless_and_impossible_files_are_refused(string path, string says)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "devices of Linux");
        long before = GC.GetTotalAllocatedBytes();
        UserMistakeException mistake =
            Assert.Throws<UserMistakeException>(() => EncodedCorpus.Read(path, new TokenizerOptions(), new CorpusOptions()));
        Assert.True(says == "line 1" || mistake.Message.Contains(says, StringComparison.Ordinal), mistake.Message);
        Assert.True(GC.GetTotalAllocatedBytes() - before < 64 << 20);
    }

    [Fact]
    public void A_line_of_a_hundred_megabytes_is_refused_in_bounded_memory()
    {
        string path = _folder["long.txt"];
        using (FileStream stream = File.Create(path))
        {
            byte[] part = new byte[1 << 20];
            Array.Fill(part, (byte)'x');
            stream.Write("first\n"u8);
            for (int i = 0; i < 100; i++)
            {
                stream.Write(part);
            }
        }

        long before = GC.GetTotalAllocatedBytes();
        UserMistakeException mistake =
            Assert.Throws<UserMistakeException>(() => EncodedCorpus.Read(path, new TokenizerOptions(), new CorpusOptions()));
        Assert.Contains("line 2 (from byte 6 of the file) is longer than 1048576 bytes", mistake.Message);
        Assert.True(GC.GetTotalAllocatedBytes() - before < 16 << 20);
    }

    [Fact]
    public void A_line_keeps_its_split_whatever_lines_come_and_go()
    {
        var options = new CorpusOptions { ValidationFraction = 0.2, TestFraction = 0.1 };
        string[] lines = [.. Enumerable.Range(0, 400).Select(i => $"line {i}")];
        Dictionary<string, CorpusSplit> all = Splits(lines, options);
        Dictionary<string, CorpusSplit> some = Splits([.. lines.Where((_, i) => i % 3 != 0).Reverse(), "another", "line 7", "line 7"], options);
        Assert.All(some.Where(pair => pair.Key != "another"), pair => Assert.Equal(all[pair.Key], pair.Value));
    }

    [Fact]
    public void Splits_have_the_sizes_asked_for_and_another_seed_gives_another_split()
    {
        var options = new CorpusOptions { ValidationFraction = 0.2, TestFraction = 0.1 };
        string[] lines = [.. Enumerable.Range(0, 10_000).Select(i => $"line {i}")];
        Dictionary<string, CorpusSplit> splits = Splits(lines, options);
        // Five standard deviations of a binomial count.
        Assert.InRange(splits.Values.Count(split => split == CorpusSplit.Validation), 2000 - 200, 2000 + 200);
        Assert.InRange(splits.Values.Count(split => split == CorpusSplit.Test), 1000 - 150, 1000 + 150);
        Assert.NotEqual(splits, Splits(lines, options with { SplitSeed = 1 }));
        Assert.All(Splits(lines, options with { ValidationFraction = 0, TestFraction = 0 }).Values, split => Assert.Equal(CorpusSplit.Train, split));
    }

    [Fact]
    public void Every_line_is_accounted_for_and_repeats_stay_together()
    {
        string[] lines = ["a b c", "", "a", "a b c d e f", "a b c", " \t ", "b c", "c d", "a B c", "a b c"];
        string path = Write(string.Join('\n', lines));
        var corpus = EncodedCorpus.Inspect(path, new TokenizerOptions { Lowercase = true },
            new CorpusOptions { MinimumTokens = 2, MaximumTokens = 5, ValidationFraction = 0.3, TestFraction = 0.3, SplitSeed = 2 });
        CorpusReport report = corpus.Report;
        Assert.Equal((10, 2, 1, 1, 2), (report.Lines, report.EmptyLines, report.TooShortLines, report.TooLongLines, report.DuplicateLines));
        Assert.Equal(6, report.Train.Lines + report.Validation.Lines + report.Test.Lines);
        Assert.Equal([0, 0, 2, 4], report.LengthHistogram);
        Assert.Equal(corpus.Train.Count, report.Train.Lines);
        Assert.Equal(16, report.Train.Tokens + report.Validation.Tokens + report.Test.Tokens);
        SequenceSet[] sets = [corpus.Train, corpus.Validation, corpus.Test];
        Assert.All(sets, set => Assert.All(Enumerable.Range(0, set.Count), i => Assert.Equal(corpus.Tokenizer.EndId, set[i][^1])));
    }

    [Fact]
    public void The_vocabulary_comes_from_the_training_split_alone_and_other_words_are_unknown()
    {
        string[] lines = [.. Enumerable.Range(0, 300).Select(i => $"same word{i}")];
        var corpus = EncodedCorpus.Read(Write(string.Join('\n', lines)), new TokenizerOptions(),
            new CorpusOptions { ValidationFraction = 0.2, TestFraction = 0.2 });
        Assert.Equal(4 + 1 + corpus.Train.Count, corpus.Tokenizer.Vocabulary.Count);
        Assert.Equal((0, corpus.Validation.Count, corpus.Test.Count),
            (corpus.Report.Train.UnknownTokens, corpus.Report.Validation.UnknownTokens, corpus.Report.Test.UnknownTokens));
        Assert.Equal([4, 3, 2], corpus.Test[0]);
    }

    [Fact]
    public void Held_out_lines_that_equal_a_training_line_only_in_tokens_are_reported()
    {
        // Sixteen spellings of one sentence: different texts, hence different splits, but the same tokens in lower case.
        string[] lines = [.. Enumerable.Range(0, 16)
            .Select(i => string.Concat("abcd".Select((c, bit) => (i >> bit & 1) == 0 ? c : char.ToUpperInvariant(c)))), "x y"];
        var corpus = EncodedCorpus.Inspect(Write(string.Join('\n', lines)), new TokenizerOptions { Lowercase = true },
            new CorpusOptions { ValidationFraction = 0.4, TestFraction = 0.2, SplitSeed = 1 });
        Assert.Equal(0, corpus.Report.DuplicateLines);
        Assert.True(corpus.Report.SharedAcrossSplits >= 15 - corpus.Train.Count && corpus.Report.SharedAcrossSplits > 0);
    }

    [Fact]
    public void A_tokenizer_made_before_gives_the_ids_of_its_own_vocabulary()
    {
        string path = Write("a b\nb c\n");
        TextTokenizer tokenizer = TextTokenizer.Train(["c b"], new TokenizerOptions());
        var corpus = EncodedCorpus.Read(path, tokenizer, new CorpusOptions { ValidationFraction = 0, TestFraction = 0 });
        Assert.Equal([3, 4, 2], corpus.Train[0]);
        Assert.Equal([4, 5, 2], corpus.Train[1]);
    }

    [Theory]
    [InlineData("", "has no line of 1 to 40 tokens for training")]
    [InlineData("\n\r\n  \n", "has no line of 1 to 40 tokens for training")]
    [InlineData("a\na\na a a\n", "fewer than two distinct tokens")]
    [InlineData("a b c\n", "too few to hold some out")]
    public void A_corpus_with_nothing_to_learn_is_refused(string text, string says)
    {
        var options = new CorpusOptions { ValidationFraction = says.StartsWith("too", StringComparison.Ordinal) ? 1e-9 : 0, TestFraction = 0 };
        Assert.Contains(says, Assert.Throws<UserMistakeException>(() => EncodedCorpus.Read(Write(text), new TokenizerOptions(), options)).Message);
    }

    [Theory]
    [InlineData(0, 40, 0.1, 0.1)]
    [InlineData(5, 4, 0.1, 0.1)]
    [InlineData(1, 1 << 20, 0.1, 0.1)]
    [InlineData(1, 40, -0.1, 0.1)]
    [InlineData(1, 40, 0.5, 0.5)]
    [InlineData(1, 40, double.NaN, 0)]
    public void Options_that_make_no_sense_are_refused(int minimum, int maximum, double validation, double test) =>
        Assert.Throws<UserMistakeException>(
            new CorpusOptions { MinimumTokens = minimum, MaximumTokens = maximum, ValidationFraction = validation, TestFraction = test }.Validate);

    [Theory]
    [InlineData(200, 400_000)]
    [InlineData(60_000, 60_000)]
    [InlineData(70_000, 70_000)]
    public void Sequences_come_back_as_they_were_added_whatever_the_width_of_an_id(int words, int lines)
    {
        // More words than one or two bytes can tell apart, and once more ids than one chunk of storage (2^20) holds.
        string path = Write(string.Join('\n', Enumerable.Range(0, lines).Select(i => $"w{i % words} w{(i * 7L) % words}")));
        var corpus = EncodedCorpus.Inspect(path, new TokenizerOptions(), new CorpusOptions { ValidationFraction = 0, TestFraction = 0 });
        Assert.Equal((lines, 3, 3L * lines), (corpus.Train.Count, corpus.Train.MaximumLength, corpus.Train.Tokens));
        foreach (int i in ((int[])[0, 1, 29_999, 349_524, 349_525, 349_526, lines - 1]).Where(i => i < lines))
        {
            Assert.Equal($"w{i % words} w{(i * 7L) % words}", corpus.Tokenizer.Decode(corpus.Train[i]));
        }

        Assert.Throws<ArgumentException>(() => corpus.Train.CopyTo(0, new int[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => corpus.Train[lines].Length);
    }

    [Fact]
    public void Split_by_occurrences_a_frequent_line_is_in_every_split_in_its_proportion_and_by_lines_in_one()
    {
        string path = Write(string.Join('\n', Enumerable.Range(0, 20_000).Select(i => i % 5 == 0 ? "x" : $"y{i}")));
        var options = new CorpusOptions { ValidationFraction = 0.2, TestFraction = 0.1, Split = SplitKind.Occurrences };
        CorpusLine[] lines = [.. new CorpusReader(path).ReadLines()];
        Assert.Single(lines.Where(line => line.Text == "x").Select(line => line.SplitBy(options with { Split = SplitKind.Lines })).Distinct());
        foreach ((CorpusSplit split, double share) in ((CorpusSplit, double)[])[(CorpusSplit.Train, 0.7), (CorpusSplit.Validation, 0.2),
            (CorpusSplit.Test, 0.1)])
        {
            // Five deviations of a binomial count.
            Assert.Equal(share, lines.Where(line => line.Text == "x").Average(line => line.SplitBy(options) == split ? 1.0 : 0),
                5 * Math.Sqrt(share * (1 - share) / 4000));
            Assert.Equal(share, lines.Average(line => line.SplitBy(options) == split ? 1.0 : 0), 5 * Math.Sqrt(share * (1 - share) / 20_000));
        }
    }

    private Dictionary<string, CorpusSplit> Splits(string[] lines, CorpusOptions options) =>
        new CorpusReader(Write(string.Join('\n', lines)), options.SplitSeed)
            .ReadLines().DistinctBy(line => line.Text).ToDictionary(line => line.Text, line => line.SplitBy(options));

    private string Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    private string Write(byte[] content)
    {
        string path = _folder[$"{Guid.NewGuid():N}.txt"];
        File.WriteAllBytes(path, content);
        return path;
    }
}
