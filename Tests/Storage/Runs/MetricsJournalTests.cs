using System.Text;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using GumbelGan.Training.Recording;
using Xunit;

namespace GumbelGan.Tests.Storage;

public sealed class MetricsJournalTests
{
    [Fact]
    public void A_record_is_one_line_with_step_phase_and_the_tags_in_their_order()
    {
        using var folder = new TemporaryFolder();
        using (var recorder = RunRecorder.Start(folder.Path))
        {
            recorder.Scalars(500, "adversarial", [("loss/generator", 0.1 + 0.2), ("bleu/2", 1), ("a \"tag\" ü", -0.0), ("nan", double.NaN)]);
            recorder.Scalars(501, "adversarial", [("up", double.PositiveInfinity), ("down", double.NegativeInfinity), ("tiny", double.Epsilon)]);
            recorder.Scalars(502, "idle", Array.Empty<(string, double)>());
        }

        Assert.Equal(
            """
            {"step":500,"phase":"adversarial","loss/generator":0.30000000000000004,"bleu/2":1,"a \"tag\" ü":-0,"nan":"NaN"}
            {"step":501,"phase":"adversarial","up":"Infinity","down":"-Infinity","tiny":5E-324}
            {"step":502,"phase":"idle"}

            """,
            File.ReadAllText(folder["metrics.jsonl"]));
    }

    [Fact]
    public void Every_double_is_read_back_with_the_same_bits()
    {
        using var folder = new TemporaryFolder();
        var stream = new RandomStream(new RandomKey(1));
        (string Tag, double Value)[] scalars =
        [
            .. Enumerable.Range(0, 5_000)
                .Select(index => ($"tag{index}", BitConverter.UInt64BitsToDouble(((ulong)stream.NextUInt32() << 32) | stream.NextUInt32()))),
            ("maximum", double.MaxValue),
            ("minimum", double.MinValue),
            ("epsilon", double.Epsilon),
            ("negative zero", -0.0),
        ];
        using (var recorder = RunRecorder.Start(folder.Path))
        {
            recorder.Scalars(0, "test", scalars);
        }

        MetricsRecord record = Assert.Single(MetricsJournal.Read(folder["metrics.jsonl"]));
        Assert.Equal(scalars.Select(scalar => scalar.Tag), record.Scalars.Keys);
        foreach ((string tag, double value) in scalars)
        {
            double read = record.Scalars[tag];
            Assert.True(double.IsNaN(value)
                ? double.IsNaN(read) : BitConverter.DoubleToUInt64Bits(value) == BitConverter.DoubleToUInt64Bits(read), tag);
        }
    }

    [Fact]
    public void A_last_line_without_its_end_counts_as_absent_at_every_length()
    {
        const string First = "{\"step\":1,\"phase\":\"mle\",\"loss\":2.5}\n";
        const string Second = "{\"step\":2,\"phase\":\"mle\",\"loss\":2.25}\n";
        for (int length = 0; length <= Second.Length; length++)
        {
            Assert.Equal(length == Second.Length ? [1L, 2L] : [1L], Read(First + Second[..length]).Select(record => record.Step));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"step\":1}")]
    [InlineData("{\"phase\":\"mle\"}")]
    [InlineData("{\"step\":-1,\"phase\":\"mle\"}")]
    [InlineData("{\"step\":1.5,\"phase\":\"mle\"}")]
    [InlineData("{\"step\":1e3,\"phase\":\"mle\"}")]
    [InlineData("{\"step\":99999999999999999999,\"phase\":\"mle\"}")]
    [InlineData("{\"step\":\"1\",\"phase\":\"mle\"}")]
    [InlineData("{\"step\":1,\"phase\":2}")]
    [InlineData("{\"step\":1,\"phase\":null}")]
    [InlineData("{\"step\":1,\"step\":1,\"phase\":\"mle\"}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"phase\":\"mle\"}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"loss\":1,\"loss\":1}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"loss\":1,\"l\\u006fss\":1}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"loss\":\"nan\"}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"loss\":null}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"loss\":true}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"loss\":[1]}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"loss\":{}}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"loss\":1e999}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"loss\":NaN}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\",\"loss\":1,}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\"} {}")]
    [InlineData("{\"step\":1,\"phase\":\"mle\"")]
    [InlineData("{\"step\":1,\"phase\":\"\\ud800\"}")]
    [InlineData("\uFEFF{\"step\":1,\"phase\":\"mle\"}")]
    public void A_line_that_is_no_record_is_named(string line)
    {
        var failure = Assert.Throws<UserMistakeException>(() => Read("{\"step\":0,\"phase\":\"mle\"}\n" + line + "\n"));
        Assert.StartsWith("Line 2 of 'metrics.jsonl'", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_are_refused()
    {
        Assert.Throws<UserMistakeException>(() => Read([.. "{\"step\":1,\"phase\":\""u8, 0xC3, 0x28, .. "\"}\n"u8]));
    }

    [Fact]
    public void An_endless_line_is_refused_without_being_held()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<UserMistakeException>(() => MetricsJournal.Read("metrics.jsonl", new EndlessStream()));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10L * MetricsJournal.LongestLine);
    }

    [Fact]
    public void A_missing_journal_and_a_folder_are_the_users_mistakes()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<UserMistakeException>(() => MetricsJournal.Read(folder["metrics.jsonl"]));
        Assert.Throws<UserMistakeException>(() => MetricsJournal.Read(folder.Path));
    }

    [Fact]
    public void Mutated_journals_are_read_or_refused_and_never_cost_more_memory_than_they_weigh()
    {
        byte[] seed =
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 5)
            .Select(step => $"{{\"step\":{step},\"phase\":\"adversarial\",\"loss/generator\":0.{step}5,\"nll\":\"NaN\"}}\n")));
        byte[][] dictionary =
            [.. new[] { "\"step\"", "\"phase\"", "\n", "\r", "\"Infinity\"", "1e999", "-1", "{", "}", "[", "]", "\"", ",", ":", "\\ud800", "null",
            "\0" }.Select(Encoding.UTF8.GetBytes)];
        int accepted = 0;
        for (ulong round = 0; round < 2_000; round++)
        {
            byte[] mutant = Mutation.Of(seed, dictionary, new RandomStream(new RandomKey(5).Derive("journal").Derive(round)));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Read(mutant);
                accepted++;
            }
            catch (UserMistakeException)
            {
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000 + (20 * mutant.Length));
        }

        Assert.InRange(accepted, 50, 1_950);
    }

    private static IReadOnlyList<MetricsRecord> Read(string text) => Read(Encoding.UTF8.GetBytes(text));

    [Fact]
    public void Whoever_only_looks_is_given_the_records_between_damaged_lines_up_to_one_that_is_too_long()
    {
        using var folder = new TemporaryFolder();
        string path = folder["metrics.jsonl"];
        Assert.Empty(MetricsJournal.ReadWhatIsSound(path));
        string damaged = string.Join('\n', "", "{", "null", "{\"step\":1}", "{\"step\":-1,\"phase\":\"x\"}", new string('[', 5000), "\0\0");
        File.WriteAllText(path, "{\"step\":1,\"phase\":\"x\",\"a\":2}\n" + damaged + "\n{\"step\":2,\"phase\":\"x\",\"a\":3}\n{\"step\":3,\"ph");
        Assert.Equal([1L, 2L], MetricsJournal.ReadWhatIsSound(path).Select(record => record.Step));
        Assert.Throws<UserMistakeException>(() => MetricsJournal.Read(path));
        File.WriteAllText(path,
            "{\"step\":1,\"phase\":\"x\"}\n" + new string(' ', MetricsJournal.LongestLine + 1) + "\n{\"step\":2,\"phase\":\"x\"}\n");
        Assert.Equal([1L], MetricsJournal.ReadWhatIsSound(path).Select(record => record.Step));
    }

    private static IReadOnlyList<MetricsRecord> Read(byte[] bytes) => MetricsJournal.Read("metrics.jsonl", new MemoryStream(bytes));

    private sealed class EndlessStream : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            Array.Fill(buffer, (byte)' ', offset, count);
            return count;
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
